import { type ErrorCode, FathomError } from '../domain/errors.ts';
import type { Followed } from './tail.ts';

const shortestPauseMs = 250;
const longestPauseMs = 2_000;
/** A reader knows where it stands, so nothing is lost while it waits for a store that is away; it gives up after a minute. */
const mostPauses = 32;

const passing: ReadonlySet<ErrorCode> = new Set(['STORE_UNAVAILABLE', 'OVERLOADED']);

/** The same record, asked again while its store cannot answer for now. */
export function patient<T>(source: Followed<T>): Followed<T> {
  return {
    position: (entry) => source.position(entry),
    changed: (after, signal) => source.changed(after, signal),
    read: (after, limit) => untilAnswered(() => source.read(after, limit)),
    ended: (after) => untilAnswered(() => source.ended(after)),
  };
}

async function untilAnswered<A>(ask: () => Promise<A>): Promise<A> {
  let pauseMs = shortestPauseMs;
  for (let pauses = 0; ; pauses += 1) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof FathomError && passing.has(error.code);
      if (!isPassing || pauses >= mostPauses) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
}
