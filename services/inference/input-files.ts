import { FathomError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { fileArguments } from '../modules/argument-schema.ts';
import type { Surroundings } from '../surroundings.ts';
import { predictLimits, type PredictFile } from './predict-request.ts';
import { type RemoteFiles, tooLarge } from './remote-files.ts';

/** A file argument with its bytes, as it goes to the module. */
export interface InputFile {
  readonly argument: string;
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly mediaType: string;
}

const anyType = 'application/octet-stream';

/** Brings the files of a call here. Links of our own are read from the store, without a way over the network. */
export async function gather(
  at: Surroundings,
  remote: RemoteFiles,
  files: readonly PredictFile[],
  deadline: number,
): Promise<readonly InputFile[]> {
  return Promise.all(
    files.map(async (file, index) => {
      const path = ['files', String(index)];
      const { argument, url, base64 } = file;
      if (url === null) {
        const bytes = decode(base64 ?? '', [...path, 'base64']);
        return named(argument, bytes, file.fileName, file.mediaType);
      }
      const place = [...path, 'url'];
      const own = at.links.resolve(url);
      const found =
        own === null
          ? await remote.fetch(url, deadline - at.ambient.now(), place)
          : { bytes: await readBlob(at, own.sha256, place), mediaType: null };
      const fileName = file.fileName ?? lastSegment(url);
      return named(argument, found.bytes, fileName, file.mediaType ?? found.mediaType);
    }),
  );
}

/**
 * Takes the file arguments that came as base64 text inside the arguments: to a module a file is a part of a form, and
 * not every server of the API takes it otherwise.
 */
export function inlineFiles(
  schema: JsonObject,
  values: JsonObject,
): { readonly rest: JsonObject; readonly files: readonly InputFile[] } {
  const files = fileArguments(schema).flatMap((name) => {
    const text = values[name];
    if (typeof text !== 'string') return [];
    return [named(name, decode(text, ['arguments', name]), null, null)];
  });
  if (files.length === 0) return { rest: values, files };
  const names = new Set(files.map(({ argument }) => argument));
  const rest = Object.fromEntries(Object.entries(values).filter(([name]) => !names.has(name)));
  return { rest, files };
}

function named(
  argument: string,
  bytes: Uint8Array,
  fileName: string | null,
  mediaType: string | null,
): InputFile {
  return { argument, bytes, fileName: fileName ?? argument, mediaType: mediaType ?? anyType };
}

function decode(text: string, path: readonly string[]): Uint8Array {
  if (text.length > predictLimits.inlineBytes * 1.5)
    throw tooLarge(predictLimits.inlineBytes, path);
  if (text === '' || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new FathomError('INVALID_ARGUMENT', 'It is not base64 text.', { path });
  }
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length > predictLimits.inlineBytes) throw tooLarge(predictLimits.inlineBytes, path);
  return bytes;
}

async function readBlob(
  at: Surroundings,
  sha256: string,
  path: readonly string[],
): Promise<Uint8Array> {
  const found = await at.blobs.open(sha256).catch((error: unknown) => {
    if (!(error instanceof FathomError)) throw error;
    throw new FathomError(error.code, error.message, { path, cause: error });
  });
  if (found.bytes > predictLimits.fetchedBytes) throw tooLarge(predictLimits.fetchedBytes, path);
  const chunks: Uint8Array[] = [];
  for await (const chunk of found.content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function lastSegment(url: string): string | null {
  const segments = URL.canParse(url) ? new URL(url).pathname.split('/') : [];
  const last = segments.at(-1) ?? '';
  try {
    return decodeURIComponent(last) || null;
  } catch {
    return last;
  }
}
