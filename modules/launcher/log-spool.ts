import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

export type Stream = 'STDOUT' | 'STDERR';

const newline = 10;
const carriageReturn = 13;
const longestLine = 16 * 1024;
const ellipsis = Buffer.from('…');
const lineEnd = Buffer.from('\n');
const rememberedBytes = 4096;
/** For what we ourselves have to say at the end. */
const ownBytes = 8 * 1024;

/**
 * The log on our own disk, from which it is sent: lines `<epoch ms> <O|E> <text>` in the order in which they came. Beyond
 * `limitBytes` output is dropped and counted. A disk that is full costs lines, not the work.
 */
export class LogSpool {
  readonly #descriptor: number;
  readonly #limitBytes: number;
  #end: number;
  #dropped = 0;
  #isFull = false;

  constructor(path: string, limitBytes: number) {
    this.#descriptor = openSync(path, 'a+', 0o600);
    this.#limitBytes = limitBytes;
    this.#end = fstatSync(this.#descriptor).size;
    // Whoever was killed in the middle of a line did not send it.
    if (this.#end > 0 && this.#lastByte() !== newline) this.#append(lineEnd);
  }

  /** Bytes in it. */
  get end(): number {
    return this.#end;
  }

  /** One stream of the program. */
  source(stream: Stream): LineCutter {
    return new LineCutter(this, stream === 'STDOUT' ? 'O' : 'E');
  }

  /** A sentence of our own. */
  say(text: string): void {
    this.#append(Buffer.from(`${Date.now()} E fathom: ${text.replaceAll('\n', ' | ')}\n`));
  }

  /** Whole lines in our format; as many of them as there is room for. */
  write(lines: Buffer): void {
    const room = Math.max(0, this.#limitBytes - ownBytes - this.#end);
    if (!this.#isFull && lines.length <= room) {
      this.#append(lines);
      return;
    }
    let fitting = 0;
    if (!this.#isFull) {
      fitting = room === 0 ? 0 : lines.lastIndexOf(newline, room - 1) + 1;
      this.#append(lines.subarray(0, fitting));
      this.#isFull = true;
      this.say(
        `the log has reached its limit of ${this.#limitBytes} bytes; further output is dropped`,
      );
    }
    this.#dropped += lines.length - fitting;
  }

  /** Whole lines from `start` on, at most `bytes` (one line at least). */
  read(start: number, bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(bytes, this.#end - start)));
    const read = readSync(this.#descriptor, buffer, 0, buffer.length, start);
    return buffer.subarray(0, buffer.subarray(0, read).lastIndexOf(newline) + 1);
  }

  finish(): void {
    if (this.#dropped > 0) this.say(`${this.#dropped} bytes of output were dropped in all`);
    this.#dropped = 0;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #append(lines: Buffer): void {
    try {
      let written = 0;
      while (written < lines.length) {
        const more = writeSync(this.#descriptor, lines, written);
        written += more;
        this.#end += more;
      }
    } catch {
      this.#dropped += lines.length;
    }
  }

  #lastByte(): number {
    const byte = Buffer.alloc(1);
    readSync(this.#descriptor, byte, 0, 1, this.#end - 1);
    return byte[0] ?? 0;
  }
}

/** Cuts one stream of the program into lines. */
export class LineCutter {
  readonly #spool: LogSpool;
  readonly #letter: string;
  /** The beginning of a line whose end has not come; at most a little over the longest line. */
  #partial: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(spool: LogSpool, letter: string) {
    this.#spool = spool;
    this.#letter = letter;
  }

  push(chunk: Buffer): void {
    this.#tail = Buffer.from(Buffer.concat([this.#tail, chunk]).subarray(-rememberedBytes));
    const prefix = Buffer.from(`${Date.now()} ${this.#letter} `);
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      pieces.push(prefix, cut(Buffer.concat([this.#partial, chunk.subarray(start, end)])), lineEnd);
      this.#partial = Buffer.alloc(0);
      start = end + 1;
    }
    if (start < chunk.length && this.#partial.length <= longestLine) {
      const rest = chunk.subarray(start, start + longestLine + 1 - this.#partial.length);
      this.#partial = Buffer.concat([this.#partial, rest]);
    }
    if (pieces.length > 0) this.#spool.write(Buffer.concat(pieces));
  }

  /** The last line may have no end. */
  finish(): void {
    if (this.#partial.length > 0) this.push(lineEnd);
  }

  /** The last lines, for a person. */
  lastLines(count: number): readonly string[] {
    const lines = this.#tail
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
    return lines.slice(-count).map((line) => line.slice(0, 300));
  }
}

/** To fit with the ellipsis, and never inside a character. */
function cut(line: Buffer): Buffer {
  const clean = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
  if (clean.length <= longestLine) return clean;
  let end = longestLine - ellipsis.length;
  while (end > 0 && ((clean[end] ?? 0) & 0xc0) === 0x80) end--;
  return Buffer.concat([clean.subarray(0, end), ellipsis]);
}
