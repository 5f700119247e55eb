import { readFile, stat } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { isRecord } from './arguments.ts';
import { InputError } from './input-error.ts';

export interface DataFile {
  /** Path relative to the data set's root, with forward slashes. */
  readonly path: string;
  /** Absolute path. */
  readonly location: string;
}

export interface DataSet {
  readonly format: 'IDX' | 'IMAGE_FOLDER' | 'CSV';
  readonly files: readonly DataFile[];
  /** Name of the label column of a CSV file; null means the last column. */
  readonly target: string | null;
}

/**
 * Indices of examples: item number (IDX), place among the files sorted by path (IMAGE_FOLDER), data
 * row (CSV).
 */
export interface Split {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

export interface Workload {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly data: DataSet;
  readonly split: Split;
  /** Absolute folder of a checkpoint. */
  readonly resume: string | null;
}

const formats: readonly DataSet['format'][] = ['IDX', 'IMAGE_FOLDER', 'CSV'];

/**
 * Reads and checks `workload.json`, the split and the files it names. Throws InputError with what
 * is wrong.
 */
export async function readWorkload(work: string): Promise<Workload> {
  const document = await readJson(join(work, 'workload.json'), 'workload.json');
  const data = document['data'];
  if (!isRecord(data)) throw new InputError('workload.json has no data.');
  const format = formats.find((name) => name === data['format']);
  if (!format) throw new InputError(`Data format ${String(data['format'])} is not known.`);
  const seed = document['seed'] ?? 0;
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed)) {
    throw new InputError('The seed must be an integer.');
  }
  const given = document['arguments'] ?? {};
  if (!isRecord(given)) throw new InputError('The arguments must be an object.');
  const target = data['target'];
  return {
    arguments: given,
    seed,
    data: {
      format,
      files: await readFiles(work, data),
      target: typeof target === 'string' ? target : null,
    },
    split: await readSplit(work, data['split']),
    resume: await findCheckpoint(work, document['resume']),
  };
}

async function readJson(path: string, name: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    throw new InputError(`${name} cannot be read.`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError(`${name} is not JSON.`);
  }
  if (!isRecord(value)) throw new InputError(`${name} is not an object.`);
  return value;
}

async function readFiles(
  work: string,
  data: Readonly<Record<string, unknown>>,
): Promise<readonly DataFile[]> {
  const list = data['files'];
  if (!Array.isArray(list) || list.length === 0) throw new InputError('The data set has no files.');
  const root = inside(work, typeof data['root'] === 'string' ? data['root'] : 'data');
  const files: DataFile[] = [];
  for (const entry of list as readonly unknown[]) {
    if (!isRecord(entry) || typeof entry['path'] !== 'string') {
      throw new InputError('A file of the data set has no path.');
    }
    const location = inside(work, entry['path']);
    if (!location.startsWith(root + sep)) {
      throw new InputError(`File ${entry['path']} is outside the data folder.`);
    }
    const found = await stat(location).catch(() => null);
    if (!found?.isFile()) throw new InputError(`File ${entry['path']} is missing.`);
    if (typeof entry['bytes'] === 'number' && entry['bytes'] !== found.size) {
      throw new InputError(
        `File ${entry['path']} has ${found.size} bytes, ${entry['bytes']} were declared.`,
      );
    }
    files.push({ path: location.slice(root.length + 1).replaceAll(sep, '/'), location });
  }
  return files;
}

async function readSplit(work: string, path: unknown): Promise<Split> {
  if (typeof path !== 'string') throw new InputError('The data set has no split.');
  const document = await readJson(inside(work, path), path);
  const indices = (part: string): readonly number[] => {
    const list: unknown = document[part];
    if (!Array.isArray(list) || list.length === 0) {
      throw new InputError(`The split has no ${part} examples.`);
    }
    if (!list.every((index) => Number.isSafeInteger(index) && index >= 0)) {
      throw new InputError(`The split's ${part} part has an index that is not a whole number.`);
    }
    return list as readonly number[];
  };
  return { train: indices('train'), test: indices('test') };
}

async function findCheckpoint(work: string, path: unknown): Promise<string | null> {
  if (path === undefined || path === null) return null;
  if (typeof path !== 'string')
    throw new InputError('The checkpoint to resume from is not a path.');
  // Checkpoints are reported relative to out/, and brought back by a launcher to wherever it lays
  // its inputs.
  for (const base of [work, join(work, 'out')]) {
    const folder = inside(base, path);
    if ((await stat(folder).catch(() => null))?.isDirectory()) return folder;
  }
  throw new InputError(`Checkpoint ${path} is missing.`);
}

function inside(work: string, path: string): string {
  const base = resolve(work);
  const location = resolve(base, path);
  if (location !== base && !location.startsWith(base + sep)) {
    throw new InputError(`Path ${path} leaves the work folder.`);
  }
  return location;
}
