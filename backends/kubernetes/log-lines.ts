/** Where a reader of one container's stream stands: how many lines of that very time stamp it has. */
export interface LogPosition {
  /** As the cluster wrote it. */
  readonly time: string;
  readonly count: number;
}

export interface StampedLine {
  readonly time: string;
  /** Nanoseconds since the epoch. */
  readonly nanoseconds: bigint;
  readonly text: string;
}

const lineLimitBytes = 16 * 1024;
const stampLimitBytes = 64;
const newline = 10;

/**
 * Lines `<RFC 3339 time> <text>` behind `after`. Times have a grain of their own, so lines of one time are counted. A last
 * line without an end is held back unless `isOver`: more of it may come.
 */
export async function* stampedLines(
  body: AsyncIterable<Uint8Array>,
  after: LogPosition | null,
  isOver: boolean,
): AsyncGenerator<StampedLine> {
  const passed = after === null ? null : nanoseconds(after.time);
  let same = 0;
  for await (const bytes of wholeLines(body, isOver)) {
    const line = parse(bytes);
    if (passed !== null && line.nanoseconds < passed) continue;
    if (passed !== null && after !== null && line.nanoseconds === passed && same < after.count) {
      same++;
      continue;
    }
    yield line;
  }
}

export function advance(position: LogPosition | null, { time }: StampedLine): LogPosition {
  return { time, count: position?.time === time ? position.count + 1 : 1 };
}

/** Whole seconds are all that the cluster takes. */
export function sinceTime({ time }: LogPosition): string {
  return `${time.slice(0, 19)}Z`;
}

/** Never more than one line in memory, and of that no more than is shown. */
async function* wholeLines(
  body: AsyncIterable<Uint8Array>,
  isOver: boolean,
): AsyncGenerator<Buffer> {
  const limit = stampLimitBytes + lineLimitBytes + 4;
  let kept: Buffer[] = [];
  let bytes = 0;
  const keep = (piece: Uint8Array): void => {
    const room = Math.max(0, limit - bytes);
    if (room > 0) kept.push(Buffer.from(piece.subarray(0, room)));
    bytes += piece.length;
  };
  for await (const chunk of body) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      keep(chunk.subarray(start, end));
      yield Buffer.concat(kept);
      kept = [];
      bytes = 0;
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  if (isOver && bytes > 0) yield Buffer.concat(kept);
}

function parse(line: Buffer): StampedLine {
  const space = line.indexOf(32);
  const time = line.subarray(0, Math.max(0, space)).toString('latin1');
  return { time, nanoseconds: nanoseconds(time), text: shown(line.subarray(space + 1)) };
}

/** To what a line may have; one that is short enough is not touched. */
export function cut(text: string): string {
  return text.length * 3 <= lineLimitBytes ? text : shown(Buffer.from(text));
}

function shown(bytes: Buffer): string {
  if (bytes.length <= lineLimitBytes) return bytes.toString('utf8');
  let end = lineLimitBytes - 3;
  // Back to the start of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString('utf8')}…`;
}

/** Zero for what is no time: such a line is never passed over. */
function nanoseconds(time: string): bigint {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  const milliseconds = match === null ? NaN : Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return 0n;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match?.[2] ?? '').padEnd(9, '0'));
}
