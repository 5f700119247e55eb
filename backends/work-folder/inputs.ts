import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BackendError } from '../contract/error.ts';
import type { InputFile } from '../contract/workload.ts';
import { FathomError } from '../../domain/errors.ts';

type PlaceBlob = (sha256: string, path: string) => Promise<void>;

/** Writes every input below `folder`. Rejects with BackendError; nothing outside of it is touched. */
export async function placeInputs(
  inputs: readonly InputFile[],
  folder: string,
  placeBlob: PlaceBlob,
  signal: AbortSignal,
): Promise<void> {
  assertInputPaths(inputs.map(({ path }) => path));
  const rest = [...inputs];
  const worker = async (): Promise<void> => {
    for (let input = rest.pop(); input !== undefined; input = rest.pop()) {
      if (signal.aborted) return;
      await placeInput(input, join(folder, input.path), placeBlob);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** A relative path of plain names with `/` between them. */
export function isInnerPath(path: string): boolean {
  return (
    path.length <= 1024 &&
    path
      .split('/')
      .every((name) => name !== '' && name !== '.' && name !== '..' && !/[\0\\]/.test(name))
  );
}

/** Throws Rejected for paths that would leave the folder, or meet each other. */
export function assertInputPaths(paths: readonly string[]): void {
  const files = new Set<string>();
  for (const path of paths) {
    if (!isInnerPath(path))
      throw rejected(`The input path ${JSON.stringify(path)} is not allowed.`);
    if (files.has(path)) throw rejected(`The input path ${JSON.stringify(path)} is there twice.`);
    files.add(path);
  }
  for (const path of paths) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (files.has(folder)) {
        throw rejected(`The input ${JSON.stringify(folder)} is a file and a folder.`);
      }
    }
  }
}

async function placeInput(input: InputFile, path: string, placeBlob: PlaceBlob): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    if (input.content.kind === 'TEXT') await writeFile(path, input.content.text);
    else await placeBlob(input.content.sha256, path);
  } catch (error) {
    const isGone = error instanceof FathomError && error.code === 'NOT_FOUND';
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackendError(
      isGone ? 'Rejected' : 'Unavailable',
      'submit',
      `The input ${JSON.stringify(input.path)} could not be placed: ${reason}`,
      { cause: error },
    );
  }
}

function rejected(message: string): BackendError {
  return new BackendError('Rejected', 'submit', message);
}
