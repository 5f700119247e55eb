import { open, stat } from 'node:fs/promises';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import { segmentPath, segments } from './log-segments.ts';

const readBytes = 256 * 1024;
const newline = 10;

/**
 * The lines behind `after`, up to what stood there when it was asked. The cursor is the offset of
 * the next line. Lines whose segment was removed are passed over.
 */
export async function* readLog(
  folder: string,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<LogChunk> {
  let offset = parseCursor(after);
  const end = await logEnd(folder);
  while (offset < end && !signal.aborted) {
    const read = await readAt(folder, offset, end);
    if (read === null) return;
    offset = read.next;
    if (read.lines.length > 0) yield { cursor: String(offset), lines: read.lines };
  }
}

/** Where the log ends now; 0 when nothing was printed. */
async function logEnd(folder: string): Promise<number> {
  const last = segments(folder).at(-1);
  if (last === undefined) return 0;
  const found = await stat(segmentPath(folder, last)).catch(() => null);
  return last + (found?.size ?? 0);
}

async function readAt(
  folder: string,
  offset: number,
  end: number,
): Promise<{ readonly next: number; readonly lines: LogChunk['lines'] } | null> {
  const starts = segments(folder);
  const position = Math.max(
    0,
    starts.findLastIndex((start) => start <= offset),
  );
  const start = starts[position];
  if (start === undefined) return null;
  const from = Math.max(offset, start);
  const bytes = await readBytesAt(segmentPath(folder, start), from - start, end - from);
  const whole = bytes.lastIndexOf(newline) + 1;
  if (whole > 0) {
    return { next: from + whole, lines: parseLines(bytes.subarray(0, whole)) };
  }
  // Nothing whole is left here: a torn line of a killed supervisor, or one that is being written.
  const next = starts[position + 1];
  return next === undefined ? null : { next, lines: [] };
}

async function readBytesAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) return Buffer.alloc(0);
  try {
    const buffer = Buffer.allocUnsafe(Math.min(length, readBytes));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function parseLines(bytes: Buffer): LogChunk['lines'] {
  const lines: LogChunk['lines'][number][] = [];
  for (const line of bytes.toString('utf8').split('\n').slice(0, -1)) {
    const fields = /^(\d+) ([OE]) /.exec(line);
    // Somebody else wrote there: shown as it is rather than lost.
    if (fields === null) lines.push({ at: 0, stream: 'STDERR', text: line });
    else {
      lines.push({
        at: Number(fields[1]),
        stream: fields[2] === 'O' ? 'STDOUT' : 'STDERR',
        text: line.slice(fields[0].length),
      });
    }
  }
  return lines;
}

function parseCursor(after: string | null): number {
  if (after === null) return 0;
  if (!/^\d{1,15}$/.test(after)) {
    throw new BackendError('Rejected', 'logs', `${JSON.stringify(after)} is no cursor of ours.`);
  }
  return Number(after);
}
