import { createHash } from 'node:crypto';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { messageOf, RefusedError } from './exchange.ts';
import { complete, outFile, type OutFile, outFiles } from './out-files.ts';
import type { Platform } from './platform.ts';

/** A larger file is asked for before it is sent: much of it may be there already. */
const smallBytes = 4 * 1024 * 1024;
const atOnce = 4;
const pieceBytes = 256 * 1024;

type Outcome = 'SENT' | 'CHANGED' | 'REFUSED' | 'GONE';

/** Brings the files of `out/` to the platform, each content once. */
export class Uploader {
  readonly #platform: Platform;
  readonly #out: string;
  readonly #say: (text: string) => void;
  /** The mark of what was sent, or refused, by path. */
  readonly #settled = new Map<string, string>();
  readonly #refused = new Set<string>();
  /** Two ways lead to a file: it is sent on one of them at a time. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(platform: Platform, out: string, say: (text: string) => void) {
    this.#platform = platform;
    this.#out = out;
    this.#say = say;
  }

  /** Files that the platform does not take, or that we may not read. */
  get refused(): readonly string[] {
    return [...this.#refused].toSorted();
  }

  /** What is complete while the program runs. */
  async sendComplete(settleMs: number): Promise<void> {
    const files = (await outFiles(this.#out)).filter((file) => this.#isNew(file));
    await this.#sendAll(complete(files, this.#out, { now: Date.now(), settleMs }));
  }

  /** Everything below a path of `out/`, as whoever wrote it says that it is complete. */
  async sendBelow(path: string): Promise<void> {
    await this.#sendAll(await outFiles(this.#out, path));
  }

  /** Everything that is there. Nobody writes any more, or nobody will wait for them. */
  async sendEverything(exceptPath: string | null = null): Promise<void> {
    const files = await outFiles(this.#out);
    await this.#sendAll(files.filter(({ path }) => path !== exceptPath));
  }

  #isNew({ path, mark }: OutFile): boolean {
    return this.#settled.get(path) !== mark;
  }

  async #sendAll(files: readonly OutFile[]): Promise<void> {
    const rest = files.filter((file) => this.#isNew(file));
    const worker = async (): Promise<void> => {
      for (let file = rest.shift(); file !== undefined; file = rest.shift()) {
        await this.#sendAlone(file.path);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async #sendAlone(path: string): Promise<void> {
    for (let other = this.#busy.get(path); other !== undefined; other = this.#busy.get(path)) {
      await other.catch(() => undefined);
    }
    const sending = this.#send(path).finally(() => this.#busy.delete(path));
    this.#busy.set(path, sending);
    await sending;
  }

  /** A file that changes while it is sent is sent again, but not for ever: at the end it will stand still. */
  async #send(path: string): Promise<void> {
    for (let count = 0; count < 3; count++) {
      const before = await outFile(this.#out, path);
      if (before === null || !this.#isNew(before)) return;
      const outcome = await this.#sendOnce(path);
      if (outcome === 'CHANGED') continue;
      if (outcome !== 'GONE') this.#settled.set(path, before.mark);
      return;
    }
  }

  async #sendOnce(path: string): Promise<Outcome> {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    let file: FileHandle;
    try {
      if (!(await this.#isInside(path))) return 'GONE';
      file = await open(join(this.#out, path), flags);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' || code === 'ELOOP' ? 'GONE' : this.#refuse(path, messageOf(error));
    }
    try {
      const before = await file.stat();
      if (!before.isFile()) return 'GONE';
      const digest = await digestOf(file, before.size);
      const { size, mtimeMs } = await file.stat();
      if (size !== before.size || mtimeMs !== before.mtimeMs || digest === null) return 'CHANGED';
      let reached = 0;
      await this.#platform.patiently((count, gotFurther) =>
        this.#put(path, file, { bytes: size, digest }, count, (offset) => {
          if (offset > reached) gotFurther();
          reached = offset;
        }),
      );
      this.#refused.delete(path);
      return 'SENT';
    } catch (error) {
      // A disk that gives an error for a file holds up no other file.
      if (isFromDisk(error)) return this.#refuse(path, messageOf(error));
      if (!(error instanceof RefusedError)) throw error;
      if (error.code === 'DIGEST_MISMATCH') return 'CHANGED';
      return this.#refuse(path, error.message);
    } finally {
      await file.close();
    }
  }

  /** Whoever wrote it may have put links where folders were when we looked. */
  async #isInside(path: string): Promise<boolean> {
    const real = await realpath(join(this.#out, path));
    return real === join(await realpath(dirname(this.#out)), 'out', path);
  }

  #refuse(path: string, why: string): Outcome {
    if (!this.#refused.has(path)) this.#say(`out/${path} is not taken: ${why}`);
    this.#refused.add(path);
    return 'REFUSED';
  }

  async #put(
    path: string,
    file: FileHandle,
    { bytes, digest }: { readonly bytes: number; readonly digest: string },
    count: number,
    standsAt: (offset: number) => void,
  ): Promise<void> {
    const target = `out/${path.split('/').map(encodeURIComponent).join('/')}`;
    const headers = { 'repr-digest': `sha-256=:${digest}:`, 'upload-length': bytes };
    let offset = 0;
    if (count > 0 || bytes > smallBytes) {
      const known = await this.#platform.once('HEAD', target, { headers });
      offset = Number(known.headers['upload-offset'] ?? 0);
      standsAt(offset);
    }
    for (let tries = 0; ; tries++) {
      try {
        await this.#platform.once('PUT', target, {
          headers: {
            ...headers,
            'upload-offset': offset,
            'content-type': 'application/octet-stream',
            'content-length': bytes - offset,
          },
          ...contentFrom(file, offset, bytes),
        });
        return;
      } catch (error) {
        const standing = standingOf(error);
        if (standing === null || standing === offset || standing > bytes || tries > 2) throw error;
        offset = standing;
      }
    }
  }
}

function isFromDisk(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** How far the file is there, when that is what the refusal was about. */
export function standingOf(error: unknown): number | null {
  if (!(error instanceof RefusedError) || error.code !== 'WRONG_STATE') return null;
  const offset = error.headers['upload-offset'];
  return typeof offset === 'string' ? Number(offset) : null;
}

function contentFrom(file: FileHandle, start: number, end: number) {
  if (start === end) return { body: new Uint8Array() };
  return { body: Readable.from(pieces(file, start, end), { objectMode: false }) };
}

/** The handle stays open whatever becomes of the request: a stream of its own would close it. */
async function* pieces(file: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  for (let at = start; at < end;) {
    const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Base64; null when the file is shorter now. */
async function digestOf(file: FileHandle, bytes: number): Promise<string | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(pieceBytes);
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - at), at);
    if (bytesRead === 0) return null;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash.digest('base64');
}
