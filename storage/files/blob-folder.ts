import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, chmod, copyFile, link, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FathomError } from '../../domain/errors.ts';
import {
  errnoOf,
  makeFolder,
  syncFolder,
  translated,
  withTemporary,
  writeFully,
} from './durable-file.ts';

const digestPattern = /^[0-9a-f]{64}$/;
const readOnly = 0o444;

/** File systems without links, or across two of them: then a copy does. */
const noLink: ReadonlySet<string | null> = new Set(['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP']);

/** `<root>/ab/cdef…`: read-only files named by their content. A file that is there is complete. */
export class BlobFolder {
  readonly #root: string;
  readonly #temporary: string;
  /** Sub-folders known to exist. */
  readonly #made = new Set<string>();

  constructor(root: string, temporary: string) {
    this.#root = root;
    this.#temporary = temporary;
  }

  /** Size of a blob, or null when there is none. */
  async size(sha256: string): Promise<number | null> {
    if (!digestPattern.test(sha256)) return null;
    try {
      return (await stat(this.#path(sha256))).size;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return null;
      throw error;
    }
  }

  /** The file is opened when reading begins, so an answer that nobody reads holds no descriptor. */
  async *read(sha256: string, start: number, end: number): AsyncGenerator<Uint8Array> {
    if (start >= end) return;
    const stream = createReadStream(this.#path(sha256), { start, end: end - 1 });
    yield* stream as AsyncIterable<Uint8Array>;
  }

  /** Writes `content` aside, then makes it visible in one step. `check` may refuse by throwing. */
  async take(
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    check: (blob: { sha256: string; bytes: number }) => void,
  ): Promise<{ readonly sha256: string; readonly bytes: number }> {
    return withTemporary(this.#temporary, async (path) => {
      const file = await open(path, 'wx', 0o600);
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const chunk of content) {
          await writeFully(file, chunk, bytes);
          hash.update(chunk);
          bytes += chunk.length;
        }
        await file.sync();
      } finally {
        await file.close();
      }
      const blob = { sha256: hash.digest('hex'), bytes };
      check(blob);
      await this.adopt(path, blob.sha256);
      return blob;
    }).catch((error: unknown) => {
      throw translated(error);
    });
  }

  /** Gives a durable file with this content its name here. The file at `path` may stay; it is sealed. */
  async adopt(path: string, sha256: string): Promise<void> {
    const target = this.#path(sha256);
    const folder = dirname(target);
    if (!this.#made.has(folder)) {
      await makeFolder(this.#root, sha256.slice(0, 2));
      this.#made.add(folder);
    }
    await chmod(path, readOnly);
    try {
      await link(path, target);
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EEXIST') return;
      if (!noLink.has(code)) throw error;
      await this.#copy(path, target);
    }
    await syncFolder(folder);
  }

  /** Puts the blob at an absolute path, read-only. What stands there already is replaced in one step. */
  async place(sha256: string, path: string): Promise<void> {
    if ((await this.size(sha256)) === null) throw noBlob(sha256);
    await mkdir(dirname(path), { recursive: true });
    try {
      await link(this.#path(sha256), path);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'EEXIST' && !noLink.has(code)) throw translated(error);
      if (code === 'EEXIST' && (await this.#isThere(sha256, path))) return;
      await this.#copy(this.#path(sha256), path);
    }
  }

  async #isThere(sha256: string, path: string): Promise<boolean> {
    const [blob, file] = await Promise.all([stat(this.#path(sha256)), stat(path)]);
    return blob.ino === file.ino && blob.dev === file.dev;
  }

  /** Beside the target, so that the last step is a rename within one file system. */
  async #copy(from: string, to: string): Promise<void> {
    await access(from);
    await withTemporary(dirname(to), async (path) => {
      await copyFile(from, path);
      const file = await open(path, 'r+');
      try {
        await file.chmod(readOnly);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(path, to);
    }).catch((error: unknown) => {
      throw translated(error);
    });
  }

  #path(sha256: string): string {
    return join(this.#root, sha256.slice(0, 2), sha256.slice(2));
  }
}

export function noBlob(sha256: string): FathomError {
  return new FathomError('NOT_FOUND', `There is no blob ${sha256}.`);
}
