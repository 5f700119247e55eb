import { isRecord, type ArgumentField, type UploadedFile } from './arguments.ts';
import { HttpError } from './http-error.ts';
import type { Message } from './http-service.ts';

/**
 * Finds an argument in the query string, then in the form, then in the JSON body; undefined when it
 * is nowhere.
 */
export type FindArgument = (name: string, field: ArgumentField) => unknown;

/**
 * Reads a request's arguments from all three places. Throws HttpError: 400 for a body that is not
 * what it says, 413 for one that is too large.
 */
export async function readArguments(
  request: Message,
  query: URLSearchParams,
  maxSize: number,
): Promise<FindArgument> {
  const body = await readBody(request, maxSize);
  const contentType = String(request.headers['content-type'] ?? '');
  const type = (contentType.split(';')[0] ?? '').trim().toLowerCase();
  const form = isForm(type) ? await readForm(body, contentType) : null;
  const json = body.length > 0 && isJson(type) ? readJson(body) : null;
  return (name, field) => {
    const many = field.type === 'array';
    if (query.has(name)) return many ? query.getAll(name) : query.get(name);
    const parts = form?.get(name);
    if (parts) return many ? parts : parts[0];
    return json && Object.hasOwn(json, name) ? json[name] : undefined;
  };
}

async function readBody(request: Message, maxSize: number): Promise<Buffer> {
  const tooLarge = (): HttpError => HttpError.text(413, 'Maximum request body size exceeded', true);
  const declared = Number(request.headers['content-length'] ?? 0);
  if (maxSize > 0 && declared > maxSize) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (maxSize > 0 && size > maxSize) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isForm(type: string): boolean {
  return type === 'multipart/form-data' || type === 'application/x-www-form-urlencoded';
}

function isJson(type: string): boolean {
  return type === 'application/json' || type.endsWith('+json');
}

async function readForm(
  body: Buffer,
  contentType: string,
): Promise<ReadonlyMap<string, readonly (string | UploadedFile)[]>> {
  const parts = new Map<string, (string | UploadedFile)[]>();
  let form: FormData;
  try {
    const headers = { 'content-type': contentType };
    form = await new Response(new Uint8Array(body), { headers }).formData();
  } catch {
    throw HttpError.json(400, { form: ['Invalid form body.'] });
  }
  for (const [name, part] of form.entries()) {
    const value = typeof part === 'string' ? part : await uploadedFile(part);
    parts.set(name, [...(parts.get(name) ?? []), value]);
  }
  return parts;
}

async function uploadedFile(file: File): Promise<UploadedFile> {
  return {
    filename: file.name,
    contentType: file.type || 'application/octet-stream',
    bytes: new Uint8Array(await file.arrayBuffer()),
  };
}

function readJson(body: Buffer): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw HttpError.json(400, { json: ['Invalid JSON body.'] });
  }
  if (!isRecord(value)) throw HttpError.json(422, { _schema: ['Invalid input type.'] });
  return value;
}
