import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isJsonObject, type Json } from '../../domain/json.ts';
import type { ModuleLink } from '../../domain/module.ts';
import { argumentSchemas } from './argument-schema.ts';
import { type ModuleFolder, savedDocument, savedSample } from './catalogue-folders.ts';
import { declaredImage } from './declared-image.ts';
import { type ModuleDescription, readSample } from './describe.ts';

/** As of a metadata file: somebody saved it, and it is read whole. */
const longestBytes = 4 * 1024 * 1024;

/**
 * What a module is of which there is no code here, only its image: by the document that its server gave. Whether it can be
 * trained its metadata say, since every server has a route for that. Rejects with a sentence for the operator.
 */
export async function describeImage(
  { path }: ModuleFolder,
  {
    links,
    categories,
  }: { readonly links: readonly ModuleLink[]; readonly categories: readonly string[] },
): Promise<ModuleDescription> {
  const image = declaredImage(links);
  if (image === null) {
    throw new Error(
      'there is no code, and the metadata name no image with a tag of its own or a digest',
    );
  }
  const document = await readJson(join(path, savedDocument));
  if (!isJsonObject(document)) throw new Error(`${savedDocument} is no object`);
  const model = modelIn(document['paths']);
  if (model === null) throw new Error(`${savedDocument} has no prediction`);
  const schemas = argumentSchemas(document, model);
  if (schemas.predict === null) throw new Error(`${savedDocument} has no prediction`);
  return {
    name: versionOf(image),
    document,
    trainSchema: categories.includes('AI4 trainable') ? schemas.train : null,
    predictSchema: schemas.predict,
    sample: readSample(await readJson(join(path, savedSample))),
    pretrained: null,
    deepaas: { model },
  };
}

/** Null when there is no such file. */
async function readJson(path: string): Promise<Json> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  if (found.size > longestBytes) throw new Error(`${path} is longer than ${longestBytes} bytes`);
  return JSON.parse(await readFile(path, 'utf8')) as Json;
}

/** The only model of the document; it says of itself by what name it is asked. */
function modelIn(paths: Json | undefined): string | null {
  const names = (isJsonObject(paths) ? Object.keys(paths) : []).flatMap(
    (path) => /\/v2\/models\/([^/{}]+)\/predict\/?$/.exec(path)?.[1] ?? [],
  );
  const [name, ...others] = new Set(names);
  if (others.length > 0) {
    throw new Error(`${savedDocument} has several models: ${names.join(', ')}; save that of one`);
  }
  return name ?? null;
}

/** A tag says which version of an image it is. */
function versionOf(image: string): string {
  const digest = /@sha256:([0-9a-f]{12})/.exec(image)?.[1];
  return digest ?? image.slice(image.lastIndexOf(':') + 1);
}
