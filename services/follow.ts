import { FathomError } from '../domain/errors.ts';
import { patient } from './patient-source.ts';
import { batch, type Followed, type Tails } from './tail.ts';

/** Entries in order, each of which can be asked where it stands. */
export interface FollowedEntries<T> extends AsyncIterableIterator<T> {
  position(entry: T): number;
}

/**
 * Replays what is recorded behind a cursor, then follows. Nothing is queued here: the consumer's pace sets the reads, so
 * a slow reader costs one batch of memory and loses nothing. Those at the end of one record share what is read there:
 * `record` names it among `tails`, and its entries are the same objects for all.
 */
export function follow<T>(
  tails: Tails,
  record: string,
  followed: Followed<T>,
  after: number,
): FollowedEntries<T> {
  const source = patient(followed);
  const { tail, leave } = tails.join(record, source, after);
  let cursor = after;
  let ready: readonly T[] = [];
  let taken = 0;
  let done = false;
  let stopWaiting: () => void = () => undefined;

  async function next(): Promise<IteratorResult<T>> {
    try {
      while (!done) {
        const entry = ready[taken];
        if (entry !== undefined) {
          taken++;
          cursor = source.position(entry);
          return { done: false, value: entry };
        }
        taken = 0;
        ready = tail.behind(cursor) ?? (await source.read(cursor, batch));
        if (ready.length > 0 || done) continue;
        if (tail.ended) return end();
        const { moved, stop } = tail.wait();
        stopWaiting = stop;
        await moved;
      }
      return { done: true, value: undefined };
    } catch (error) {
      end();
      throw error;
    }
  }

  function end(): IteratorResult<T> {
    if (!done) leave();
    done = true;
    ready = [];
    stopWaiting();
    return { done: true, value: undefined };
  }

  return {
    next,
    position: (entry) => source.position(entry),
    return: () => Promise.resolve(end()),
    throw: (error) => {
      end();
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** A cursor lies within what is recorded. */
export function checkCursor(after: number, head: number): void {
  if (after < 0 || after > head) {
    throw new FathomError(
      'BAD_REQUEST',
      `\`after\` is between 0 and ${head}, the newest there is; you gave ${after}.`,
    );
  }
}
