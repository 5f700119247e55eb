import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FathomError } from '../../domain/errors.ts';
import type { StoredBlob, UploadArea } from '../contract/blob-store.ts';
import type { BlobFolder } from './blob-folder.ts';
import { errnoOf, syncFolder, translated, writeFully } from './durable-file.ts';
import { interruptible } from './interruptible.ts';

const namePattern = /^[A-Za-z0-9_]{1,128}$/;
const ownerMayWrite = 0o200;

/**
 * One file an upload. Parts are written at their own position and synced before they count, so whatever is cut, the
 * file's length tells how far it came. A completed file is sealed (read-only) because the blob may share its bytes.
 */
export class UploadFolder implements UploadArea {
  readonly #folder: string;
  readonly #blobs: BlobFolder;
  readonly #stopping: AbortSignal;
  /** Uploads that are being written to in this process, with the bytes that were durable before. */
  readonly #busy = new Map<string, { readonly durable: number; readonly end: Promise<unknown> }>();

  constructor(folder: string, blobs: BlobFolder, stopping: AbortSignal) {
    this.#folder = folder;
    this.#blobs = blobs;
    this.#stopping = stopping;
  }

  async received(name: string): Promise<number> {
    this.#assertOpen();
    const path = this.#path(name);
    const busy = this.#busy.get(name);
    if (busy !== undefined) return busy.durable;
    try {
      // Bytes that a killed process wrote may still be in memory only: they are made durable before they are counted.
      const file = await open(path, 'r');
      try {
        await file.sync();
        return (await file.stat()).size;
      } finally {
        await file.close();
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return 0;
      throw translated(error);
    }
  }

  async append(
    name: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    limit: number,
  ): Promise<number> {
    this.#assertOpen();
    const path = this.#path(name);
    if (this.#busy.has(name)) {
      throw new FathomError('WRONG_STATE', 'Another part of this upload is being received.');
    }
    const work = this.#append(path, offset, content, limit);
    const end = work.catch(() => {});
    this.#busy.set(name, { durable: offset, end });
    try {
      return await work;
    } catch (error) {
      throw translated(error);
    } finally {
      this.#busy.delete(name);
    }
  }

  async complete(name: string, expected: StoredBlob): Promise<void> {
    this.#assertOpen();
    const path = this.#path(name);
    const size = await sizeOf(path);
    if (size === null && expected.bytes === 0) {
      await this.#blobs.take([], (blob) => assertSame(blob, expected));
      return;
    }
    if (size === null) {
      throw new FathomError('NOT_FOUND', 'Nothing was received for this upload.');
    }
    if (size < expected.bytes) {
      throw new FathomError('WRONG_STATE', `${size} of ${expected.bytes} bytes were received.`);
    }
    try {
      assertSame({ sha256: await digestOf(path), bytes: size }, expected);
      await this.#blobs.adopt(path, expected.sha256);
    } catch (error) {
      if (error instanceof FathomError && error.code === 'DIGEST_MISMATCH') {
        await this.discard(name);
      }
      throw translated(error);
    }
  }

  async discard(name: string): Promise<void> {
    this.#assertOpen();
    await rm(this.#path(name), { force: true });
  }

  /** Resolves when no part is being written any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#busy.values()].map((busy) => busy.end));
  }

  async #append(
    path: string,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    limit: number,
  ): Promise<number> {
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const { size, mode } = await file.stat();
      if ((mode & ownerMayWrite) === 0) {
        throw new FathomError('WRONG_STATE', 'The upload is complete.');
      }
      if (size !== offset) {
        throw new FathomError(
          'WRONG_STATE',
          `The upload stands at ${size} bytes, not at ${offset}.`,
        );
      }
      return await this.#write(file, offset, content, limit);
    } finally {
      await file.close();
    }
  }

  async #write(
    file: FileHandle,
    offset: number,
    content: AsyncIterable<Uint8Array>,
    limit: number,
  ): Promise<number> {
    let position = offset;
    let failure: { readonly error: unknown } | null = null;
    try {
      for await (const chunk of interruptible(content, this.#stopping, stopped)) {
        const fitting = chunk.subarray(0, limit - position);
        await writeFully(file, fitting, position);
        position += fitting.length;
        if (fitting.length < chunk.length) {
          throw new FathomError('TOO_LARGE', `The upload has ${limit} bytes, more were sent.`);
        }
      }
    } catch (error) {
      failure = { error };
    }
    await this.#settle(file, offset, failure);
    if (failure !== null) throw failure.error;
    return position;
  }

  /** Makes durable what came, or takes it back when it must not count. */
  async #settle(
    file: FileHandle,
    offset: number,
    failure: { readonly error: unknown } | null,
  ): Promise<void> {
    const refused =
      failure?.error instanceof FathomError && failure.error.code === 'DIGEST_MISMATCH';
    try {
      if (refused) await file.truncate(offset);
      await file.sync();
      if (offset === 0) await syncFolder(this.#folder);
    } catch (error) {
      // After a failed sync the kernel may forget the bytes while showing the length: they must be sent again.
      await file.truncate(offset);
      throw error;
    }
  }

  #path(name: string): string {
    if (!namePattern.test(name)) {
      throw new FathomError('INVALID_ARGUMENT', 'An upload is named by letters, digits and `_`.');
    }
    return join(this.#folder, name);
  }

  #assertOpen(): void {
    if (this.#stopping.aborted) throw stopped();
  }
}

export function stopped(): FathomError {
  return new FathomError('SHUTTING_DOWN', 'The storage is closed.');
}

export function assertSame(blob: StoredBlob, expected: { readonly sha256: string }): void {
  if (blob.sha256 !== expected.sha256) {
    throw new FathomError(
      'DIGEST_MISMATCH',
      `The bytes have the SHA-256 ${blob.sha256}, not ${expected.sha256}.`,
    );
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest('hex');
}
