import { constants, type FileHandle, mkdir, mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FathomError } from '../../domain/errors.ts';

/** Writes all of `bytes` at `position`; a short write is continued, never taken for success. */
export async function writeFully(
  file: FileHandle,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const step = await file.write(bytes, written, bytes.length - written, position + written);
    written += step.bytesWritten;
  }
}

/** A new file or name in a folder is durable only once the folder itself was synced. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Makes the folder, and makes it durable in its parent. */
export async function makeFolder(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  const made = await mkdir(path, { recursive: true });
  if (made !== undefined) await syncFolder(parent);
  return path;
}

/** Gives `work` a path of its own in `parent` and removes whatever is left there. */
export async function withTemporary<T>(
  parent: string,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(parent, 't-'));
  try {
    return await work(join(folder, 'content'));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Turns "no room" of every kind into STORAGE_FULL; other errors pass as they are. */
export function translated(error: unknown): unknown {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG'
    ? new FathomError('STORAGE_FULL', 'There is no room left to store this.', { cause: error })
    : error;
}

export function errnoOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : null;
}
