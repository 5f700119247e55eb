import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from './arguments.ts';
import type { Module, Sample } from './module.ts';

export interface LoadedModule {
  readonly module: Module;
  /** Absolute path of the module's folder. */
  readonly folder: string;
  readonly metadataFile: 'ai4-metadata.yml' | 'metadata.json';
  /** The metadata file as it is, unvalidated. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Absolute folder of the shipped weights; null when the module ships none. */
  readonly weights: string | null;
}

/** Imports a module's folder. Throws an Error with one sentence when it is not a module. */
export async function loadModule(directory: string): Promise<LoadedModule> {
  const folder = resolve(directory);
  const entry = join(folder, 'module.ts');
  if (!(await stat(entry).catch(() => null))?.isFile()) {
    throw new Error(`${directory} is not a module: it has no module.ts.`);
  }
  const exported = (await import(pathToFileURL(entry).href)) as { readonly module?: unknown };
  const module = exported.module;
  if (!isModule(module)) throw new Error(`${directory}/module.ts does not export a module.`);
  const weights = module.weights === null ? null : join(folder, module.weights);
  const shipped = weights !== null && (await stat(weights).catch(() => null))?.isDirectory();
  return { module, folder, weights: shipped ? weights : null, ...(await readMetadata(folder)) };
}

/** The sample of an artifact, or of the module when the artifact has none. */
export async function readSample(module: Module, artifact: string | null): Promise<Sample | null> {
  if (artifact === null) return module.sample;
  const text = await readFile(join(artifact, 'sample.json'), 'utf8').catch(() => null);
  if (text === null) return module.sample;
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || !isRecord(value['arguments'])) {
    throw new Error("The artifact's sample.json has no arguments.");
  }
  const expect = value['expect'];
  const label = isRecord(expect) ? expect['label'] : undefined;
  return {
    arguments: value['arguments'],
    ...(typeof label === 'string' ? { expect: { label } } : {}),
  };
}

async function readMetadata(
  folder: string,
): Promise<Pick<LoadedModule, 'metadataFile' | 'metadata'>> {
  const yaml = await readFile(join(folder, 'ai4-metadata.yml'), 'utf8').catch(() => null);
  const json = await readFile(join(folder, 'metadata.json'), 'utf8').catch(() => null);
  const metadataFile = yaml === null ? 'metadata.json' : 'ai4-metadata.yml';
  let metadata: unknown;
  if (yaml !== null) metadata = (await import('yaml')).parse(yaml);
  else if (json !== null) metadata = JSON.parse(json);
  if (!isRecord(metadata)) {
    throw new Error(`${folder} has no readable ai4-metadata.yml or metadata.json.`);
  }
  return { metadataFile, metadata };
}

function isModule(value: unknown): value is Module {
  if (!isRecord(value)) return false;
  const { name, version, predictArguments, trainArguments, load } = value;
  return (
    typeof name === 'string' &&
    /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) &&
    typeof version === 'string' &&
    isRecord(predictArguments) &&
    (trainArguments === null || isRecord(trainArguments)) &&
    typeof load === 'function'
  );
}
