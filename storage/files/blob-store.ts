import { constants } from 'node:fs';
import { access, mkdir, readdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { FathomError } from '../../domain/errors.ts';
import type { BlobStore, StoredBlob } from '../contract/blob-store.ts';
import { BlobFolder, noBlob } from './blob-folder.ts';
import { makeFolder, withTemporary } from './durable-file.ts';
import { assertSame, stopped, UploadFolder } from './upload-folder.ts';

/** Below this many free bytes the storage calls itself unhealthy; it goes on taking what fits. */
const leastFree = 64 * 1024 * 1024;
const staleAfterMs = 24 * 3600 * 1000;

/**
 * Blobs as files: `<folder>/blobs/ab/cdef…`, partial uploads in `<folder>/uploads`, files being written in
 * `<folder>/incoming`. One process writes to a folder at a time, or several that never share an upload.
 */
export async function openFileBlobStore({ folder }: { folder: string }): Promise<BlobStore> {
  if (!isAbsolute(folder)) throw new TypeError('The folder of the blob store is an absolute path.');
  await mkdir(folder, { recursive: true });
  const [blobs, uploads, incoming] = await Promise.all([
    makeFolder(folder, 'blobs'),
    makeFolder(folder, 'uploads'),
    makeFolder(folder, 'incoming'),
  ]);
  await removeStale(incoming);
  return new FileBlobStore(incoming, uploads, new BlobFolder(blobs, incoming));
}

class FileBlobStore implements BlobStore {
  readonly uploads: UploadFolder;
  readonly #incoming: string;
  readonly #blobs: BlobFolder;
  readonly #closing = new AbortController();

  constructor(incoming: string, uploads: string, blobs: BlobFolder) {
    this.#incoming = incoming;
    this.#blobs = blobs;
    this.uploads = new UploadFolder(uploads, blobs, this.#closing.signal);
  }

  async has(sha256: string): Promise<boolean> {
    this.#assertOpen();
    return (await this.#blobs.size(sha256)) !== null;
  }

  async open(
    sha256: string,
    range: { readonly start?: number; readonly end?: number } = {},
  ): Promise<{ readonly bytes: number; readonly content: AsyncIterable<Uint8Array> }> {
    this.#assertOpen();
    const bytes = await this.#blobs.size(sha256);
    if (bytes === null) throw noBlob(sha256);
    const start = Math.max(0, range.start ?? 0);
    const end = Math.min(bytes, range.end ?? bytes);
    return { bytes, content: this.#blobs.read(sha256, start, end) };
  }

  async put(
    content: Uint8Array | AsyncIterable<Uint8Array>,
    expected?: { readonly sha256: string },
  ): Promise<StoredBlob> {
    this.#assertOpen();
    const chunks = content instanceof Uint8Array ? [content] : content;
    return this.#blobs.take(chunks, (blob) => {
      this.#assertOpen();
      if (expected !== undefined) assertSame(blob, expected);
    });
  }

  async place(sha256: string, path: string): Promise<void> {
    this.#assertOpen();
    if (!isAbsolute(path)) {
      throw new FathomError('INVALID_ARGUMENT', 'A blob is placed at an absolute path.');
    }
    await this.#blobs.place(sha256, path);
  }

  async health(): Promise<{ readonly ok: boolean; readonly message: string | null }> {
    if (this.#closing.signal.aborted) return { ok: false, message: 'The storage is closed.' };
    try {
      await access(this.#incoming, constants.W_OK);
      const { bavail, bsize } = await statfs(this.#incoming);
      if (bavail * bsize >= leastFree) return { ok: true, message: null };
      return { ok: false, message: `Only ${bavail * bsize} bytes are free in the storage.` };
    } catch (error) {
      return {
        ok: false,
        message: `The storage cannot be written to: ${error instanceof Error ? error.message : String(error)}.`,
      };
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.uploads.idle();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw stopped();
  }
}

/** Left by processes that were killed. Ages are taken by the file system's own clock: it may be another machine's. */
async function removeStale(incoming: string): Promise<void> {
  const names = await readdir(incoming);
  if (names.length === 0) return;
  const now = await withTemporary(incoming, async (path) => {
    await writeFile(path, '');
    return (await stat(path)).mtimeMs;
  });
  for (const name of names) {
    const path = join(incoming, name);
    // Another process takes what it writes out of here while we look.
    const found = await stat(path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    });
    if (found !== null && now - found.mtimeMs > staleAfterMs)
      await rm(path, { recursive: true, force: true });
  }
}
