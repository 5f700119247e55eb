import type { NativeJob } from './native.ts';
import { isEndState } from './observe.ts';

/** What the accounting says of one job. */
export interface Accounted {
  /** How it ended; null when the accounting knows no end of it. */
  readonly end: NativeJob | null;
  /** The state that it has there without being over; null when it is not known there at all. */
  readonly alive: string | null;
}

/** Clocks of nodes and of the controller differ. */
const clockMs = 60_000;

/**
 * Pure. `records` are all those of our job, the oldest first: a job that was requeued has several. Its program ran in the one
 * that covers `startedAt`, and is not run by a later one.
 */
export function accountedOf(records: readonly NativeJob[], startedAt: number | null): Accounted {
  const last = records.at(-1);
  if (last === undefined) return { end: null, alive: null };
  if (!isEndState(last)) return { end: null, alive: last.state };
  if (startedAt === null) return { end: last, alive: null };
  const ran = records.findLast((one) => (one.startedAt ?? Infinity) <= startedAt + clockMs);
  if (ran === undefined || ran === last) return { end: last, alive: null };
  return { end: { ...ran, superseded: true }, alive: null };
}
