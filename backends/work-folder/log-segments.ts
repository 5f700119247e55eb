import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A log is lines `<epoch ms> <O|E> <text>` in segments named by the offset of their first byte, so that an offset stays a
 * cursor for ever.
 */
export function segmentPath(folder: string, start: number): string {
  return join(folder, `${String(start).padStart(16, '0')}.log`);
}

/** First offsets of the segments that are there, ascending. */
export function segments(folder: string): readonly number[] {
  let entries: readonly string[];
  try {
    entries = readdirSync(folder);
  } catch {
    return [];
  }
  return entries
    .filter((entry) => /^\d{16}\.log$/.test(entry))
    .map((entry) => Number(entry.slice(0, 16)))
    .toSorted((a, b) => a - b);
}
