/** An append-only record, read from behind a position. */
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

export const batch = 200;

/**
 * The newest entries of one record, for all who follow it here: what one of them waits for is read once, and all get the
 * same objects. It reads only while somebody waits for more, so nobody's pace is another's.
 */
export class Tail<T> {
  readonly #source: Followed<T>;
  readonly #waiters = new Set<() => void>();
  /** In order; everything behind `#from` up to `#to`. */
  #entries: T[] = [];
  #from: number;
  #to: number;
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #reading: AbortController | null = null;

  constructor(source: Followed<T>, from: number) {
    this.#source = source;
    this.#from = from;
    this.#to = from;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whoever comes now needs a new one. */
  get failed(): boolean {
    return this.#failure !== null;
  }

  /** What is kept behind `after`; null when that is further back than it keeps. Throws what reading met. */
  behind(after: number): readonly T[] | null {
    if (this.#failure !== null) throw this.#failure.error;
    if (after < this.#from) return null;
    return this.#entries.filter((entry) => this.#source.position(entry) > after);
  }

  /** Wakes when there may be more than before, or an end; `stop` takes the wait back. */
  wait(): { readonly moved: Promise<void>; readonly stop: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    if (this.#reading === null) void this.#read();
    const stop = (): void => {
      this.#waiters.delete(resolve);
      resolve();
      if (this.#waiters.size === 0) this.#reading?.abort();
    };
    return { moved: promise, stop };
  }

  async #read(): Promise<void> {
    const reading = new AbortController();
    this.#reading = reading;
    let moved = false;
    try {
      while (!moved && !reading.signal.aborted) {
        moved = (await this.#next()).length > 0 || this.#ended;
        if (!moved) await this.#source.changed(this.#to, reading.signal);
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#reading = null;
    if (moved || this.#failure !== null) this.#wake();
    // Somebody came to wait after the last of those before had gone.
    else if (this.#waiters.size > 0) void this.#read();
  }

  async #next(): Promise<readonly T[]> {
    let entries = await this.#source.read(this.#to, batch);
    if (entries.length === 0 && (await this.#source.ended(this.#to))) {
      // What was written between the read and the question would be lost without a second look.
      entries = await this.#source.read(this.#to, batch);
      this.#ended = entries.length === 0;
    }
    this.#keep(entries);
    return entries;
  }

  #keep(entries: readonly T[]): void {
    const newest = entries.at(-1);
    if (newest === undefined) return;
    const all = [...this.#entries, ...entries];
    this.#entries = all.slice(-batch);
    const dropped = all.at(-batch - 1);
    if (dropped !== undefined) this.#from = this.#source.position(dropped);
    this.#to = this.#source.position(newest);
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }
}

/** The tails of one store, by the name of the record; each for as long as somebody follows. */
export class Tails {
  readonly #open = new Map<string, { readonly tail: Tail<never>; readers: number }>();

  /** Records that are followed now. */
  get size(): number {
    return this.#open.size;
  }

  join<T>(name: string, source: Followed<T>, from: number): { tail: Tail<T>; leave: () => void } {
    let open = this.#open.get(name);
    if (open === undefined || open.tail.failed) {
      open = { tail: new Tail(source, from) as unknown as Tail<never>, readers: 0 };
      this.#open.set(name, open);
    }
    const joined = open;
    joined.readers++;
    return {
      tail: joined.tail,
      leave: () => {
        joined.readers--;
        if (joined.readers === 0 && this.#open.get(name) === joined) this.#open.delete(name);
      },
    };
  }
}

const tailsByOwner = new WeakMap<object, Tails>();

/** Shared by all who follow the records of one `owner` (a store). */
export function tailsOf(owner: object): Tails {
  let tails = tailsByOwner.get(owner);
  if (tails === undefined) {
    tails = new Tails();
    tailsByOwner.set(owner, tails);
  }
  return tails;
}
