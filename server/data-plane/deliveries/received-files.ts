import { createHash, type Hash } from 'node:crypto';
import { constants, createReadStream, readFileSync } from 'node:fs';
import { appendFile, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isInnerPath } from '../../../backends/work-folder/inputs.ts';
import { FathomError } from '../../../domain/errors.ts';
import {
  errnoOf,
  syncFolder,
  translated,
  writeFully,
} from '../../../storage/files/durable-file.ts';
import type { DeliveryLimits } from './limits.ts';

export interface WholeFile {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * The files that came back. A file appears under `files/` when all of it came and has its digest; until then it grows in
 * `incoming/`, where a client that lost its connection goes on. What is whole stands in `index.jsonl` as well.
 */
export class ReceivedFiles {
  readonly #folder: string;
  readonly #limits: DeliveryLimits;
  readonly #whole = new Map<string, WholeFile>();
  #wholeBytes = 0;
  /** Bytes announced for what has begun to come, by the name of the path. */
  readonly #begun = new Map<string, number>();

  private constructor(folder: string, limits: DeliveryLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  static async open(folder: string, limits: DeliveryLimits): Promise<ReceivedFiles> {
    const files = new ReceivedFiles(folder, limits);
    await files.#load();
    return files;
  }

  /** Bytes of this content that are here already; all of them when the file is whole. */
  async received(path: string, file: WholeFile): Promise<number> {
    this.#check(path, file);
    if (this.isWhole(path, file)) return file.bytes;
    return sizeOf(this.#partial(path, file));
  }

  isWhole(path: string, file: WholeFile): boolean {
    const known = this.#whole.get(path);
    return known?.sha256 === file.sha256 && known.bytes === file.bytes;
  }

  /**
   * Takes bytes from `offset` on, which must be where the content stands (WRONG_STATE). Resolves with the bytes that are
   * here; when that is all, the file is whole and visible. DIGEST_MISMATCH forgets what came. TOO_LARGE: over a limit.
   */
  async receive(
    path: string,
    file: WholeFile,
    offset: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<number> {
    this.#check(path, file);
    if (this.isWhole(path, file)) return file.bytes;
    this.#reserve(path, file.bytes);
    try {
      await this.#forgetOthers(path, file);
      this.#begun.set(nameOf(path), file.bytes);
      const partial = this.#partial(path, file);
      const { bytes, digest } = await append(partial, offset, content, file.bytes);
      if (bytes < file.bytes) return bytes;
      const sha256 = digest ?? (await digestOf(partial));
      if (sha256 !== file.sha256) {
        await this.#forget(path, partial);
        throw new FathomError('DIGEST_MISMATCH', 'The file does not have the announced SHA-256.');
      }
      await this.#adopt(path, partial, file);
      return file.bytes;
    } catch (error) {
      if (await isGone(this.#folder)) throw new FathomError('NOT_FOUND', 'It was released.');
      throw translated(error);
    }
  }

  async #adopt(path: string, partial: string, file: WholeFile): Promise<void> {
    const target = join(this.#folder, 'files', path);
    await this.#makeFolders(path);
    try {
      await rename(partial, target);
    } catch (error) {
      if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
      await this.#forget(path, partial);
      throw new FathomError('WRONG_STATE', `${JSON.stringify(path)} is a folder already.`);
    }
    await syncFolder(dirname(target));
    const line = `${JSON.stringify({ path, ...file })}\n`;
    await appendFile(join(this.#folder, 'index.jsonl'), line, { mode: 0o600 });
    this.#begun.delete(nameOf(path));
    this.#enter(path, file);
  }

  #enter(path: string, file: WholeFile): void {
    this.#wholeBytes += file.bytes - (this.#whole.get(path)?.bytes ?? 0);
    this.#whole.set(path, file);
  }

  async #forget(path: string, partial: string): Promise<void> {
    await rm(partial, { force: true });
    this.#begun.delete(nameOf(path));
  }

  /** One by one from a folder that is there: a delivery that was released must not rise again. */
  async #makeFolders(path: string): Promise<void> {
    let at = join(this.#folder, 'files');
    for (const name of path.split('/').slice(0, -1)) {
      const parent = at;
      at = join(at, name);
      try {
        await mkdir(at, { mode: 0o700 });
        await syncFolder(parent);
      } catch (error) {
        const code = errnoOf(error);
        if (code === 'EEXIST' && (await stat(at)).isDirectory()) continue;
        if (code !== 'EEXIST' && code !== 'ENOTDIR') throw error;
        throw new FathomError('WRONG_STATE', `A folder of ${JSON.stringify(path)} is a file.`);
      }
    }
  }

  #check(path: string, { bytes }: WholeFile): void {
    const isFit =
      isInnerPath(path) && path.split('/').every((name) => Buffer.byteLength(name) <= 255);
    if (!isFit) throw new FathomError('BAD_REQUEST', 'The path leaves the folder of outputs.');
    if (bytes > this.#limits.bytes) throw this.#tooLarge();
  }

  #reserve(path: string, bytes: number): void {
    const name = nameOf(path);
    let sum = this.#wholeBytes - (this.#whole.get(path)?.bytes ?? 0) + bytes;
    for (const [other, announced] of this.#begun) if (other !== name) sum += announced;
    if (sum > this.#limits.bytes) throw this.#tooLarge();
    const isNew = !this.#whole.has(path) && !this.#begun.has(name);
    // What is begun again counts twice; a site that has so many files has no room for that either.
    if (this.#whole.size + this.#begun.size + Number(isNew) > this.#limits.files) {
      const message = `A delivery has at most ${this.#limits.files} files.`;
      throw new FathomError('TOO_LARGE', message);
    }
  }

  #tooLarge(): FathomError {
    const message = `The files of a delivery have at most ${this.#limits.bytes} bytes.`;
    return new FathomError('TOO_LARGE', message);
  }

  #partial(path: string, { sha256, bytes }: WholeFile): string {
    return join(this.#folder, 'incoming', `${nameOf(path)}-${sha256}-${bytes}`);
  }

  /** Of one path only the latest content is taken further. */
  async #forgetOthers(path: string, file: WholeFile): Promise<void> {
    const incoming = join(this.#folder, 'incoming');
    const latest = this.#partial(path, file);
    for (const name of await readdir(incoming)) {
      const other = join(incoming, name);
      if (name.startsWith(`${nameOf(path)}-`) && other !== latest) await rm(other, { force: true });
    }
  }

  async #load(): Promise<void> {
    let text = '';
    try {
      text = readFileSync(join(this.#folder, 'index.jsonl'), 'utf8');
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
    }
    for (const line of text.split('\n')) {
      const entry = parsed(line);
      if (entry !== null) this.#enter(entry.path, entry);
    }
    for (const name of await readdir(join(this.#folder, 'incoming'))) {
      const [of = '', , bytes] = name.split('-');
      this.#begun.set(of, Number(bytes));
    }
  }
}

function parsed(line: string): (WholeFile & { readonly path: string }) | null {
  try {
    return JSON.parse(line) as WholeFile & { readonly path: string };
  } catch {
    // The end of the file, or a line that a power cut tore: then its file is sent again.
    return null;
  }
}

async function append(
  path: string,
  offset: number,
  content: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<{ readonly bytes: number; readonly digest: string | null }> {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  const hash: Hash | null = offset === 0 ? createHash('sha256') : null;
  let position = offset;
  try {
    const { size } = await file.stat();
    if (size !== offset) {
      throw new FathomError('WRONG_STATE', `The file stands at ${size} bytes, not at ${offset}.`);
    }
    for await (const chunk of content) {
      if (position + chunk.length > limit) {
        throw new FathomError('TOO_LARGE', `The file has ${limit} bytes, more were sent.`);
      }
      await writeFully(file, chunk, position);
      hash?.update(chunk);
      position += chunk.length;
    }
    if (position === limit) await file.sync();
    return { bytes: position, digest: hash?.digest('hex') ?? null };
  } finally {
    await file.close();
  }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

async function isGone(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => false,
    (error: unknown) => errnoOf(error) === 'ENOENT',
  );
}

function nameOf(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 32);
}
