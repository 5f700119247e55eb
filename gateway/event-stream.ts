import type { ExecutionResult } from 'graphql';
import type { ResultStream } from './executor.ts';

/**
 * Maps source events to results, one pull at a time. Unlike an `async function*`, `return()` does not wait for the event
 * being awaited: it closes the source at once, so an abandoned subscription of a silent run leaks nothing.
 * What `map` or the source throws is the last result: the stream ends there, and the reader resumes from its cursor.
 * `closed` is called once, however it ends.
 */
export function eventStream(
  source: AsyncIterable<unknown>,
  map: (event: unknown) => Promise<ExecutionResult>,
  failed: (error: unknown) => ExecutionResult,
  closed: () => void = () => undefined,
): ResultStream {
  const iterator = source[Symbol.asyncIterator]();
  let done = false;
  // Racing each pull against one promise for the whole stream would keep every result alive until the stream ends.
  const waiting = new Set<() => void>();

  async function finish(): Promise<void> {
    if (done) return;
    done = true;
    closed();
    for (const end of waiting) end();
    // A source that fails while it closes, or waits for its own event, holds nobody up.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  }

  async function pull(end: () => void): Promise<IteratorResult<ExecutionResult, void>> {
    try {
      const next = await iterator.next();
      if (next.done === true) {
        if (!done) closed();
        done = true;
        return { done: true, value: undefined };
      }
      return { done: false, value: await map(next.value) };
    } catch (error) {
      // This pull ends with what was thrown; only the others, if any, end without.
      waiting.delete(end);
      await finish();
      return { done: false, value: failed(error) };
    }
  }

  return {
    async next() {
      if (done) return { done: true, value: undefined };
      return await new Promise((resolve) => {
        const end = (): void => {
          resolve({ done: true, value: undefined });
        };
        waiting.add(end);
        void pull(end).then((result) => {
          waiting.delete(end);
          resolve(result);
        });
      });
    },
    async return() {
      await finish();
      return { done: true, value: undefined };
    },
    async throw(error) {
      await finish();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await finish();
    },
  };
}

/** The same stream, but each pull first waits for `ready`. */
export function gated(stream: ResultStream, ready: () => Promise<void>): ResultStream {
  return {
    async next() {
      await ready();
      return await stream.next();
    },
    async return() {
      return await stream.return();
    },
    async throw(error) {
      return await stream.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await stream.return();
    },
  };
}

/** The same stream; `each` is told of every result, `closed` once of the end, whoever makes it. */
export function counted(stream: ResultStream, each: () => void, closed: () => void): ResultStream {
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    closed();
  };
  return {
    async next() {
      const next = await stream.next();
      if (next.done === true) over();
      else each();
      return next;
    },
    async return() {
      over();
      return await stream.return();
    },
    async throw(error) {
      over();
      return await stream.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      over();
      await stream.return();
    },
  };
}
