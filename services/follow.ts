/**
 * Replays what is recorded behind a cursor, then follows. Nothing is queued here: the consumer's pace sets the reads, so
 * a slow reader costs one batch of memory and loses nothing.
 */
export interface Followed<T> {
  /** The next entries behind `after`, in order, at most `limit`. */
  read(after: number, limit: number): Promise<readonly T[]>;
  /** Where an entry stands. */
  position(entry: T): number;
  /** Wakes when there may be more behind `after`. */
  changed(after: number, signal: AbortSignal): Promise<void>;
  /** Whether nothing will ever come behind `after`. Asked only when a read came back empty. */
  ended(after: number): Promise<boolean>;
}

const batch = 200;

export function follow<T>(source: Followed<T>, after: number): AsyncIterableIterator<T> {
  const stop = new AbortController();
  let cursor = after;
  let ready: T[] = [];
  let done = false;

  async function next(): Promise<IteratorResult<T>> {
    while (!done) {
      const entry = ready.shift();
      if (entry !== undefined) return { done: false, value: entry };
      const entries = await source.read(cursor, batch);
      const newest = entries.at(-1);
      if (newest !== undefined) {
        cursor = source.position(newest);
        ready = [...entries];
      } else if (await source.ended(cursor)) {
        // What was written between the read and the question would be lost without a second look.
        const late = await source.read(cursor, batch);
        const last = late.at(-1);
        if (last === undefined) return end();
        cursor = source.position(last);
        ready = [...late];
      } else if (!done) {
        await source.changed(cursor, stop.signal);
      }
    }
    return { done: true, value: undefined };
  }

  function end(): IteratorResult<T> {
    done = true;
    ready = [];
    stop.abort();
    return { done: true, value: undefined };
  }

  return {
    next,
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
