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

/**
 * The lines of the pieces behind `from`. A last line without an end is held back unless `isOver`: more of it may come. Never
 * more than one line in memory.
 */
export async function* logLines(
  frames: AsyncIterable<LogFrame>,
  from: LogPosition | null,
  isOver: boolean,
): AsyncGenerator<LogLine> {
  let position = from;
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
  for await (const { file, data } of frames) {
    const begin: LogPosition = moved(position, file);
    let start = 0;
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
      keep(data.subarray(start, end));
      start = end + 1;
      yield { text: line(), position: { ...begin, offset: begin.offset + start } };
    }
    keep(data.subarray(start));
    position = { ...begin, offset: begin.offset + data.length };
  }
  if (isOver && bytes > 0 && position !== null) yield { text: line(), position };
}

/** The first file that was counted in a position. */
export function firstCounted({ file, sizes }: LogPosition): number {
  return Math.min(file, ...Object.keys(sizes).map(Number));
}

/** How many bytes lie before it in the files from `first` on. */
export function bytesBefore(position: LogPosition, first: number): number {
  if (position.file < first) return 0;
  let sum = position.offset;
  for (let file = first; file < position.file; file++) sum += position.sizes[file] ?? 0;
  return sum;
}

/** A file that is not the one before begins at its beginning. */
function moved(position: LogPosition | null, file: number): LogPosition {
  if (position === null) return { file, offset: 0, sizes: {} };
  if (file === position.file) return position;
  const all: Record<string, number> = { ...position.sizes, [position.file]: position.offset };
  const kept = Object.entries(all).filter(([number]) => Number(number) > file - sizesKept);
  return { file, offset: 0, sizes: Object.fromEntries(kept) };
}

function shown(bytes: Buffer, length: number): string {
  if (length <= lineLimitBytes) return bytes.toString('utf8');
  let end = lineLimitBytes - 3;
  // Back to the start of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString('utf8')}…`;
}
