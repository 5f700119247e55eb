import type { InvokeRequest } from '../../backends/contract/service-runner.ts';
import { FathomError } from '../../domain/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { jsonRequest } from '../deployments/module-api.ts';
import { locationKeyword } from '../modules/argument-schema.ts';
import type { InputFile } from './input-files.ts';

const wanted = 'application/json';

/** The call as a module is sent it: JSON, or a form when there are files. Not yet bound to a server. */
export async function moduleRequest(
  path: string,
  values: JsonObject,
  files: readonly InputFile[],
): Promise<InvokeRequest> {
  if (files.length === 0) return jsonRequest(path, values, null);
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    for (const text of formTexts(value)) form.append(name, text);
  }
  for (const { argument, bytes, fileName, mediaType } of files) {
    form.append(argument, new Blob([new Uint8Array(bytes)], { type: mediaType }), fileName);
  }
  const encoded = new Response(form);
  return {
    method: 'POST',
    path,
    headers: { 'content-type': encoded.headers.get('content-type') ?? '', accept: wanted },
    body: new Uint8Array(await encoded.arrayBuffer()),
    replica: null,
  };
}

/**
 * Without the arguments that are headers. Only `accept` is one: it chooses the media type of the answer, and an answer
 * travels through the graph as JSON. A default of another type is not what the caller asked for, so JSON goes before it.
 */
export function withoutHeaders(
  schema: JsonObject,
  given: JsonObject,
  values: JsonObject,
): JsonObject {
  const properties = schema['properties'];
  const accept = isJsonObject(properties) ? properties['accept'] : undefined;
  if (!isJsonObject(accept) || accept[locationKeyword] !== 'header') return values;
  const asked = given['accept'];
  if (asked !== undefined && asked !== wanted && asked !== '*/*') {
    throw new FathomError('INVALID_ARGUMENT', `An answer travels as ${wanted} here.`, {
      path: ['arguments', 'accept'],
    });
  }
  return Object.fromEntries(Object.entries(values).filter(([name]) => name !== 'accept'));
}

/** A form has texts only: a list is the field repeated, anything deeper is JSON text. */
function formTexts(value: Json): readonly string[] {
  if (Array.isArray(value)) {
    const members = value as readonly Json[];
    const isFlat = members.every((member) => member === null || typeof member !== 'object');
    return isFlat && members.length > 0 ? members.map(String) : [JSON.stringify(value)];
  }
  if (value === null) return [];
  return [typeof value === 'object' ? JSON.stringify(value) : String(value)];
}
