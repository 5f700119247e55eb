import type { LogFrame } from './log-frames.ts';

/** Where a reader of one stream stands, and how long the files before were: Nomad counts over those that it still has. */
export interface LogPosition {
  readonly file: number;
  readonly offset: number;
  /** By number of the file. */
  readonly sizes: Readonly<Record<string, number>>;
}

export interface LogLine {
  readonly text: string;
  /** Behind this line. */
  readonly position: LogPosition;
}

const lineLimitBytes = 16 * 1024;
const newline = 10;
const carriageReturn = 13;
const sizesKept = 32;

/** A last line without an end is held back unless `isOver`: more of it may come. Never more than one line in memory. */
export async function* logLines(
  frames: AsyncIterable<LogFrame>,
  from: LogPosition | null,
  isOver: boolean,
): AsyncGenerator<LogLine> {
  let position = from ?? { file: 0, offset: 0, sizes: {} };
  let kept: Buffer[] = [];
  let bytes = 0;
  let last = 0;
  const keep = (piece: Buffer): void => {
    const room = Math.max(0, lineLimitBytes + 4 - bytes);
    if (room > 0) kept.push(Buffer.from(piece.subarray(0, room)));
    bytes += piece.length;
    last = piece.at(-1) ?? last;
  };
  const line = (): string => {
    const length = bytes - (last === carriageReturn ? 1 : 0);
    const text = shown(Buffer.concat(kept).subarray(0, Math.max(0, length)), length);
    kept = [];
    bytes = 0;
    last = 0;
    return text;
  };
  for await (const frame of frames) {
    position = moved(position, frame);
    let start = 0;
    for (
      let end = frame.data.indexOf(newline);
      end >= 0;
      end = frame.data.indexOf(newline, start)
    ) {
      keep(frame.data.subarray(start, end));
      start = end + 1;
      yield { text: line(), position: { ...position, offset: frame.start + start } };
    }
    keep(frame.data.subarray(start));
    position = { ...position, offset: frame.start + frame.data.length };
  }
  if (isOver && bytes > 0) yield { text: line(), position };
}

/** How many bytes of the files that are kept lie before it; `first` is the first that is kept. */
export function bytesBefore(position: LogPosition | null, first: number): number {
  if (position === null || position.file < first) return 0;
  let sum = position.offset;
  for (let file = first; file < position.file; file++) sum += position.sizes[file] ?? 0;
  return sum;
}

/** Whether this is the piece that comes next. */
export function isNext(position: LogPosition | null, frame: LogFrame): boolean {
  if (position === null) return true;
  if (frame.file === position.file) return frame.start === position.offset;
  return frame.file === position.file + 1 && frame.start === 0;
}

function moved(position: LogPosition, frame: LogFrame): LogPosition {
  if (frame.file === position.file) return position;
  const all: Record<string, number> = { ...position.sizes, [position.file]: position.offset };
  const kept = Object.entries(all).filter(([file]) => Number(file) > frame.file - sizesKept);
  return { file: frame.file, offset: frame.start, sizes: Object.fromEntries(kept) };
}

function shown(bytes: Buffer, length: number): string {
  if (length <= lineLimitBytes) return bytes.toString('utf8');
  let end = lineLimitBytes - 3;
  // Back to the start of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString('utf8')}…`;
}
