import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FathomError } from '../../domain/errors.ts';
import type { Session, WriteSession } from '../relational/session.ts';
import type { Segments } from '../relational/streams.ts';
import { translateFile } from './sqlite-errors.ts';

/** One file for each stream that outgrew its tail, `<folder>/ab/cdef….jsonl`: names are hashes, whatever a stream is called. */
export class SegmentFiles implements Segments {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async write(
    _session: WriteSession,
    stream: string,
    position: number,
    chunks: readonly string[],
  ): Promise<void> {
    const bytes = Buffer.from(chunks.map((chunk) => `${chunk}\n`).join(''));
    const path = this.#path(stream);
    try {
      await makeFolder(dirname(path));
      const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
      try {
        // What a transaction that failed or a crash left behind the index is garbage.
        await file.truncate(position);
        await writeAll(file, position, bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
      if (position === 0) await syncFolder(dirname(path));
    } catch (error) {
      throw translateFile(error);
    }
  }

  async read(_session: Session, stream: string, position: number, length: number): Promise<string> {
    const file = await open(this.#path(stream), 'r').catch((error: unknown) => {
      throw damaged(stream, error);
    });
    try {
      const bytes = Buffer.alloc(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, position + done);
        if (bytesRead === 0) throw damaged(stream, null);
        done += bytesRead;
      }
      return bytes.toString('utf8');
    } finally {
      await file.close();
    }
  }

  #path(stream: string): string {
    const name = createHash('sha256').update(stream).digest('hex').slice(0, 40);
    return join(this.#folder, name.slice(0, 2), `${name.slice(2)}.jsonl`);
  }
}

async function writeAll(file: FileHandle, position: number, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncFolder(dirname(first));
}

/** A new name survives a power cut only when its folder was synced too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function damaged(stream: string, cause: unknown): FathomError {
  return new FathomError('INTERNAL', `The stored bytes of ${stream} are missing.`, { cause });
}
