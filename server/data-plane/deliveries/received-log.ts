import { closeSync, openSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { segmentPath, segments } from '../../../backends/work-folder/log-segments.ts';
import { FathomError } from '../../../domain/errors.ts';
import { translated, writeFully } from '../../../storage/files/durable-file.ts';

const segmentBytes = 16 * 1024 * 1024;

/** Bytes of the log that are here. */
export function logEnd(folder: string): number {
  const last = segments(join(folder, 'log')).at(-1);
  if (last === undefined) return 0;
  return last + statSync(segmentPath(join(folder, 'log'), last)).size;
}

/**
 * Appends whole lines that begin at `offset` of the log. What is here already is passed over, so the same lines may come
 * again. WRONG_STATE when lines between are missing, TOO_LARGE beyond `limit`. Resolves with the new end.
 */
export async function appendLog(
  folder: string,
  offset: number,
  lines: Uint8Array,
  limit: number,
): Promise<number> {
  const end = logEnd(folder);
  if (offset > end) {
    throw new FathomError('WRONG_STATE', `The log stands at ${end} bytes, not at ${offset}.`);
  }
  const fresh = lines.subarray(end - offset);
  if (fresh.length === 0) return end;
  if (end + fresh.length > limit) {
    throw new FathomError('TOO_LARGE', `The log of a delivery has at most ${limit} bytes.`);
  }
  const starts = segments(join(folder, 'log'));
  const last = starts.at(-1) ?? 0;
  const start = end - last < segmentBytes ? last : end;
  try {
    await write(segmentPath(join(folder, 'log'), start), fresh, end - start);
  } catch (error) {
    throw translated(error);
  }
  return end + fresh.length;
}

/** A line that a launcher was cut off in stays as it is: the next one begins a segment of its own behind it. */
export function beginSegment(folder: string): void {
  const end = logEnd(folder);
  if (end > 0) closeSync(openSync(segmentPath(join(folder, 'log'), end), 'a', 0o600));
}

async function write(path: string, bytes: Uint8Array, position: number): Promise<void> {
  const file = await open(path, position === 0 ? 'a' : 'r+', 0o600);
  try {
    await writeFully(file, bytes, position);
    await file.datasync();
  } finally {
    await file.close();
  }
}
