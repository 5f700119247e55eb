import { closeSync, mkdirSync, openSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { segmentPath, segments } from '../../work-folder/log-segments.ts';

export type Stream = 'STDOUT' | 'STDERR';

const longestLine = 16 * 1024;
const ellipsis = Buffer.from('…');
const newline = 10;
const carriageReturn = 13;
const segmentLimit = 16 * 1024 * 1024;
const rememberedBytes = 4096;

/**
 * The log of a job or service: lines `<epoch ms> <O|E> <text>` in the order in which they came, in
 * segments named by the offset of their first byte, so that an offset stays a cursor for ever.
 * Beyond `limitBytes` a job's further output is dropped and counted (`FIRST`: its beginning says
 * what went wrong), and of a service the oldest segments go (`LAST`).
 */
export class LogWriter {
  readonly #folder: string;
  readonly #limitBytes: number;
  readonly #keep: 'FIRST' | 'LAST';
  #descriptor = -1;
  #segmentStart = 0;
  #end = 0;
  #dropped = 0;
  #limitReached = false;

  constructor(folder: string, options: { limitBytes: number; keep: 'FIRST' | 'LAST' }) {
    this.#folder = folder;
    this.#limitBytes = options.limitBytes;
    this.#keep = options.keep;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // A supervisor that was killed may have left a torn line at the end: a new segment begins behind it.
    const last = segments(folder).at(-1);
    if (last !== undefined) this.#end = last + statSync(segmentPath(folder, last)).size;
    this.#openSegment();
  }

  /** One more program that writes here; `onLine` also sees each line (whole, not cut). */
  source(stream: Stream, onLine?: (line: string) => void): LogSource {
    return new LogSource(this, stream, onLine ?? null);
  }

  /** A sentence of the supervisor's own. */
  say(text: string): void {
    const cleaned = text.replaceAll('\n', ' | ');
    this.write(Buffer.from(`${Date.now()} E ${cleaned}\n`));
  }

  /** Whole lines in our format. Never throws: a full disk costs lines, not the job. */
  write(lines: Buffer): void {
    if (this.#limitReached || this.#exceeds(lines)) {
      this.drop(lines.length);
      return;
    }
    try {
      let written = 0;
      while (written < lines.length) {
        const more = writeSync(this.#descriptor, lines, written);
        written += more;
        this.#end += more;
      }
      if (this.#end - this.#segmentStart >= segmentLimit) this.#openSegment();
    } catch {
      this.drop(lines.length);
    }
  }

  drop(bytes: number): void {
    this.#dropped += bytes;
  }

  /** Once over the limit, nothing shorter slips in behind what was dropped. */
  #exceeds(lines: Buffer): boolean {
    if (this.#keep === 'LAST' || this.#end + lines.length <= this.#limitBytes) return false;
    this.#limitReached = true;
    this.#append(limitNotice(this.#limitBytes));
    return true;
  }

  close(): void {
    if (this.#dropped > 0) {
      this.#append(`fathom: ${this.#dropped} bytes of output were dropped in all`);
    }
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
  }

  get isDropping(): boolean {
    return this.#limitReached;
  }

  #append(text: string): void {
    try {
      const line = Buffer.from(`${Date.now()} E ${text}\n`);
      this.#end += writeSync(this.#descriptor, line);
    } catch {
      // The disk is full; exit.json will say how it ended.
    }
  }

  #openSegment(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#segmentStart = this.#end;
    this.#descriptor = openSync(segmentPath(this.#folder, this.#end), 'a', 0o600);
    if (this.#keep === 'LAST') this.#removeOldest();
  }

  #removeOldest(): void {
    const starts = segments(this.#folder);
    for (const [position, start] of starts.entries()) {
      const next = starts[position + 1];
      if (next === undefined || this.#end - start <= this.#limitBytes) return;
      unlinkSync(segmentPath(this.#folder, start));
    }
  }
}

/** Cuts one stream of one program into lines. */
export class LogSource {
  readonly #writer: LogWriter;
  readonly #letter: string;
  readonly #onLine: ((line: string) => void) | null;
  /** The beginning of a line whose end has not come; at most a little over the longest line. */
  #partial: Buffer = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(writer: LogWriter, stream: Stream, onLine: ((line: string) => void) | null) {
    this.#writer = writer;
    this.#letter = stream === 'STDOUT' ? 'O' : 'E';
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    this.#remember(chunk);
    if (this.#writer.isDropping && this.#onLine === null) {
      this.#writer.drop(chunk.length);
      return;
    }
    const prefix = Buffer.from(`${Date.now()} ${this.#letter} `);
    const pieces: Buffer[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end < 0) break;
      const piece = chunk.subarray(start, end);
      const line = this.#partial.length === 0 ? piece : Buffer.concat([this.#partial, piece]);
      this.#partial = Buffer.alloc(0);
      this.#take(line, prefix, pieces);
      start = end + 1;
    }
    if (start < chunk.length && this.#partial.length <= longestLine) {
      const rest = chunk.subarray(start, start + longestLine + 1 - this.#partial.length);
      this.#partial = Buffer.concat([this.#partial, rest]);
    }
    if (pieces.length > 0) this.#writer.write(Buffer.concat(pieces));
  }

  /** The last line may have no end. */
  finish(): void {
    if (this.#partial.length > 0) this.push(Buffer.from('\n'));
  }

  /** The last lines, for a person. */
  lastLines(count: number): readonly string[] {
    const text = this.#tail.toString('utf8');
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    return lines.slice(-count).map((line) => line.slice(0, 300));
  }

  #take(line: Buffer, prefix: Buffer, pieces: Buffer[]): void {
    const clean = line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
    if (this.#onLine !== null) this.#onLine(clean.toString('utf8'));
    if (clean.length <= longestLine) pieces.push(prefix, clean, lineEnd);
    else pieces.push(prefix, cut(clean), ellipsis, lineEnd);
  }

  #remember(chunk: Buffer): void {
    const all = chunk.length >= rememberedBytes ? chunk : Buffer.concat([this.#tail, chunk]);
    this.#tail = Buffer.from(all.subarray(-rememberedBytes));
  }
}

const lineEnd = Buffer.from('\n');

/** To fit with the ellipsis, and never inside a character. */
function cut(line: Buffer): Buffer {
  let end = longestLine - ellipsis.length;
  while (end > 0 && ((line[end] ?? 0) & 0xc0) === 0x80) end--;
  return line.subarray(0, end);
}

function limitNotice(limitBytes: number): string {
  return `fathom: the log has reached its limit of ${limitBytes} bytes; further output is dropped`;
}
