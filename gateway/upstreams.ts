import type { ExecutionResult } from 'graphql';
import { positionOf } from './positions.ts';

/** A stream of a subgraph, and what becomes known of it before its first event. */
export interface Opened {
  readonly events: AsyncIterator<ExecutionResult, void, void>;
  /** Whether its events come with their positions. It never rejects. */
  readonly isPositioned: Promise<boolean>;
}

/** Opens the reader's subscription behind a position. */
export type Open = (after: number) => Opened;

/** What an upstream keeps for those who are behind its newest event; whoever is further back reads for themselves. */
export const kept = 200;

/**
 * Streams of subgraphs, each for all readers here that ask the same with the same rights. A reader has a position of its own
 * and takes its next event from the oldest stream that has it; only where none has, one is opened behind that position,
 * and left as soon as its readers have caught up with an older one. So a late reader has no gap, a slow one costs nobody
 * anything, and those who follow at the end share one stream.
 */
export class Upstreams {
  readonly #groups = new Map<string, Group>();

  /** Streams that are open now. */
  get size(): number {
    let size = 0;
    for (const { upstreams } of this.#groups.values()) size += upstreams.length;
    return size;
  }

  /** `key` names everything but the position: the subgraph's document, its other variables, and the rights. */
  follow(key: string, after: number, open: Open): AsyncIterableIterator<ExecutionResult> {
    const group = this.#groups.get(key) ?? {
      upstreams: [],
      emptied: () => this.#groups.delete(key),
    };
    this.#groups.set(key, group);
    return reader(group, after, open);
  }
}

interface Group {
  /** The oldest first. */
  readonly upstreams: Upstream[];
  readonly emptied: () => void;
}

function reader(group: Group, after: number, open: Open): AsyncIterableIterator<ExecutionResult> {
  let cursor = after;
  let upstream = covering(group, cursor) ?? new Upstream(group, open, cursor);
  upstream.readers += 1;
  let alone: Opened['events'] | null = null;
  let done = false;
  let stopWaiting: () => void = () => undefined;

  async function next(): Promise<IteratorResult<ExecutionResult>> {
    while (!done) {
      if (alone === null && upstream.isPlain) beAlone();
      if (alone !== null) return (await alone.next()) as IteratorResult<ExecutionResult>;
      if (upstream.failure === null) move();
      const entry = upstream.behind(cursor);
      if (entry !== null) {
        cursor = entry.position;
        return { done: false, value: entry.result };
      }
      if (upstream.failure !== null) {
        const value = upstream.failure;
        end();
        return { done: false, value };
      }
      if (upstream.isComplete) break;
      const { moved, stop } = upstream.wait();
      stopWaiting = stop;
      await moved;
    }
    return end();
  }

  function move(): void {
    const better = covering(group, cursor) ?? new Upstream(group, open, cursor);
    if (better === upstream) return;
    better.readers += 1;
    upstream.leave();
    upstream = better;
  }

  /** Events without positions belong to whom they were opened for: nobody could come to them later. */
  function beAlone(): void {
    alone = upstream.take() ?? open(cursor).events;
    upstream.leave();
  }

  function end(): IteratorResult<ExecutionResult> {
    if (!done) {
      done = true;
      if (alone === null) upstream.leave();
      else void alone.return?.();
      stopWaiting();
    }
    return { done: true, value: undefined };
  }

  return {
    next,
    return: async () => end(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function covering(group: Group, after: number): Upstream | null {
  return group.upstreams.find((it) => it.covers(after)) ?? null;
}

interface Entry {
  readonly position: number;
  readonly result: ExecutionResult;
}

/** One stream and its newest events. It is read only while somebody waits for more than there is. */
class Upstream {
  readers = 0;
  isPlain = false;
  isComplete = false;
  /** Its last word, when it did not end well. */
  failure: ExecutionResult | null = null;
  readonly #group: Group;
  readonly #waiters = new Set<() => void>();
  #events: Opened['events'] | null;
  /** In order; everything behind `#from` up to `#to`. */
  #entries: Entry[] = [];
  #from: number;
  #to: number;
  #isKnown = false;
  #isReading = false;

  constructor(group: Group, open: Open, after: number) {
    this.#group = group;
    this.#from = after;
    this.#to = after;
    const { events, isPositioned } = open(after);
    this.#events = events;
    group.upstreams.push(this);
    void isPositioned.then((is) => this.#isKnownNow(is));
  }

  covers(after: number): boolean {
    return after >= this.#from && after <= this.#to;
  }

  /** The next one behind `after`; null when there is none yet, or when that is further back than it keeps. */
  behind(after: number): Entry | null {
    if (!this.covers(after)) return null;
    // Nearly always it is the newest.
    const at = this.#entries.findLastIndex(({ position }) => position <= after);
    return this.#entries[at + 1] ?? null;
  }

  wait(): { readonly moved: Promise<void>; readonly stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    if (this.#isKnown) void this.#read();
    const stop = (): void => {
      this.#waiters.delete(resolve);
      resolve();
    };
    return { moved: promise, stop };
  }

  leave(): void {
    this.readers -= 1;
    if (this.readers > 0) return;
    this.#retire();
    void this.#events?.return?.();
  }

  /** The stream itself, for the first who asks: it is theirs. */
  take(): Opened['events'] | null {
    const events = this.#events;
    this.#events = null;
    return events;
  }

  #isKnownNow(isPositioned: boolean): void {
    this.#isKnown = isPositioned;
    if (!isPositioned) {
      this.isPlain = true;
      this.#retire();
      this.#wake();
    } else if (this.#waiters.size > 0) void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#isReading || this.#events === null) return;
    this.#isReading = true;
    const { done, value } = await this.#events.next();
    this.#isReading = false;
    if (done === true) this.isComplete = true;
    else this.#keep(value);
    this.#wake();
  }

  #keep(result: ExecutionResult): void {
    const position = positionOf(result);
    if (result.data === undefined) {
      this.failure = result;
      this.#retire();
      return;
    }
    if (position === undefined) {
      // A subgraph tells positions, and not of this field: each reader asks again for what is behind its own.
      this.isPlain = true;
      this.#retire();
      void this.take()?.return?.();
      return;
    }
    this.#entries.push({ position, result });
    this.#to = position;
    if (this.#entries.length <= kept) return;
    const dropped = this.#entries.shift();
    if (dropped !== undefined) this.#from = dropped.position;
  }

  /** From now on nobody comes to it. */
  #retire(): void {
    const { upstreams, emptied } = this.#group;
    const at = upstreams.indexOf(this);
    // What retires a second time may find another group under its key.
    if (at < 0) return;
    upstreams.splice(at, 1);
    if (upstreams.length === 0) emptied();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}
