import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';

export interface Frame {
  readonly Data: string;
  readonly File: string;
  readonly Offset: number;
}

/** One stream of one task: numbered files of a largest size, of which the oldest go. */
export class LogFiles {
  readonly #folder: string;
  readonly #name: string;
  readonly #fileBytes: number;
  readonly #files: number;
  #number = 0;

  constructor(folder: string, name: string, limits: { fileBytes: number; files: number }) {
    this.#folder = folder;
    this.#name = name;
    this.#fileBytes = limits.fileBytes;
    this.#files = limits.files;
    mkdirSync(folder, { recursive: true });
    appendFileSync(this.#path(0), '');
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const room = this.#fileBytes - statSync(this.#path(this.#number)).size;
      if (room <= 0) {
        this.#number++;
        appendFileSync(this.#path(this.#number), '');
        rmSync(this.#path(this.#number - this.#files), { force: true });
        continue;
      }
      appendFileSync(this.#path(this.#number), chunk.subarray(at, at + room));
      at += room;
    }
  }

  #path(number: number): string {
    return join(this.#folder, `${this.#name}.${number}`);
  }
}

/** From `offset` bytes behind the start of what is kept, or before its end. Frames of at most `frameBytes`. */
export function readFrames(
  folder: string,
  name: string,
  { origin, offset, frameBytes }: { origin: string; offset: number; frameBytes: number },
): Frame[] {
  const entries = existsSync(folder) ? readdirSync(folder) : [];
  const numbers = entries
    .filter((entry) => entry.startsWith(`${name}.`))
    .map((entry) => Number(entry.slice(name.length + 1)))
    .toSorted((a, b) => a - b);
  const files = numbers.map((number) => ({
    File: `alloc/logs/${name}.${number}`,
    bytes: readFileSync(join(folder, `${name}.${number}`)),
  }));
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
  let skip = origin === 'end' ? Math.max(0, total - offset) : offset;
  const frames: Frame[] = [];
  for (const { File, bytes } of files) {
    let at = Math.min(skip, bytes.length);
    skip -= at;
    // Behind the first piece of a file, and then always by the length of the piece before: wrong for a shorter one.
    let Offset = Math.min(at + frameBytes, bytes.length);
    while (at < bytes.length) {
      const piece = bytes.subarray(at, at + frameBytes);
      at += piece.length;
      frames.push({ Data: piece.toString('base64'), File, Offset });
      Offset += piece.length;
    }
  }
  return frames;
}
