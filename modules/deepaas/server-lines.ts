import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { userAgent } from './training.ts';

const newline = 10;
/** A line for each look at a training would bury what the training says. */
const ours = Buffer.from(userAgent);
const pieceBytes = 256 * 1024;

/** Whole lines of what passes through, without those of a server's log that tell of our own requests. */
export function withoutOurRequests(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const { lines, left } = cut(Buffer.concat([rest, chunk]));
      rest = left;
      done(null, lines);
    },
    flush(done) {
      done(null, rest);
    },
  });
}

/**
 * What a server that we did not start has printed: whoever started it leaves its two streams as files in a folder that we
 * see. How far they were read is remembered beside them, so that a second reader goes on where the first one ended.
 */
export class ServerLines {
  readonly #folder: string;
  readonly #streams: readonly Source[] = [
    { name: 'stdout', output: process.stdout, read: 0 },
    { name: 'stderr', output: process.stderr, read: 0 },
  ];

  static async open(folder: string): Promise<ServerLines> {
    const lines = new ServerLines(folder);
    const text = await readFile(lines.#memory, 'utf8').catch(() => '');
    const places = text.split(' ').map(Number);
    for (const [index, source] of lines.#streams.entries()) {
      const place = places[index] ?? 0;
      source.read = Number.isSafeInteger(place) ? place : 0;
    }
    return lines;
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Prints what is new. `isLast` prints a line that was begun as well. */
  async print(isLast: boolean): Promise<void> {
    let isNew = false;
    for (const source of this.#streams) isNew = (await this.#printNew(source, isLast)) || isNew;
    if (isNew) await this.#remember();
  }

  get #memory(): string {
    return `${this.#folder}.read`;
  }

  async #printNew(source: Source, isLast: boolean): Promise<boolean> {
    const file = await open(join(this.#folder, source.name), 'r').catch(() => null);
    if (file === null) return false;
    const begin = source.read;
    try {
      const buffer = Buffer.alloc(pieceBytes);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, source.read);
        const piece = buffer.subarray(0, bytesRead);
        const { lines, left } = cut(piece);
        // A line that is longer than a piece is printed in pieces.
        const isWhole = left.length < buffer.length && !(isLast && bytesRead < buffer.length);
        const all = isWhole ? lines : Buffer.concat([lines, left]);
        if (all.length > 0) await written(source.output, all);
        source.read += isWhole ? bytesRead - left.length : bytesRead;
        if (bytesRead < buffer.length) return source.read > begin;
      }
    } finally {
      await file.close();
    }
  }

  async #remember(): Promise<void> {
    const draft = `${this.#memory}.draft`;
    await writeFile(draft, this.#streams.map(({ read }) => read).join(' '));
    await rename(draft, this.#memory);
  }
}

interface Source {
  readonly name: 'stdout' | 'stderr';
  readonly output: NodeJS.WriteStream;
  read: number;
}

function cut(bytes: Buffer): { readonly lines: Buffer; readonly left: Buffer } {
  const end = bytes.lastIndexOf(newline) + 1;
  const whole = bytes.subarray(0, end);
  return { lines: whole.includes(ours) ? filtered(whole) : whole, left: bytes.subarray(end) };
}

function filtered(whole: Buffer): Buffer {
  const kept: Buffer[] = [];
  for (let start = 0; start < whole.length;) {
    const end = whole.indexOf(newline, start) + 1;
    const line = whole.subarray(start, end);
    if (!line.includes(ours)) kept.push(line);
    start = end;
  }
  return Buffer.concat(kept);
}

function written(output: NodeJS.WriteStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    output.write(bytes, () => resolve());
  });
}
