import type { NativeJob } from './native.ts';
import { isEndState } from './observe.ts';

/** What the accounting says of one job. */
export interface Accounted {
  /** How it ended; null when the accounting knows no end of it. */
  readonly end: NativeJob | null;
  /** The state that it has there without being over; null when it is not known there at all. */
  readonly alive: string | null;
}

/**
 * Pure. `records` are all those of our job, the oldest first: a job that was requeued has one for each time that it ran. Its
 * program was started the `restarts`-th time (null: never) and is not run by a later one.
 */
export function accountedOf(records: readonly NativeJob[], restarts: number | null): Accounted {
  const last = records.at(-1);
  if (last === undefined) return { end: null, alive: null };
  if (!isEndState(last)) return { end: null, alive: last.state };
  const ran = records.filter(({ startedAt }) => startedAt !== null)[restarts ?? Infinity] ?? last;
  return { end: ran === last ? last : { ...ran, superseded: true }, alive: null };
}
