/** Other processes, whose commits notify nobody here. */
export interface OtherWriters {
  readonly everyMs: number;
  /** Since it was last asked. Cheap, and never throws. */
  haveWritten(): boolean;
  /** Tells them of a topic, if it can. Never throws. */
  tell?(topic: string): void;
}

/** A way to tell other processes of topics, and to hear of them. */
export interface Notices extends OtherWriters {
  tell(topic: string): void;
  /** A sentence for the operator when it does not work, and things are looked for instead; else null. */
  readonly complaint: string | null;
  close(): Promise<void>;
}

/**
 * Wakes readers of a topic; never carries the truth. A wake cannot be missed: the listener is registered first, and
 * only then the truth is looked at, so a commit lands either before the look or on the listener.
 * With other writers it asks for their commits while somebody waits, and then each waiter looks at the truth again.
 */
export class Wake {
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #others: OtherWriters | null;
  /** Of those who wait now, when there are other writers. */
  readonly #looks = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(others: OtherWriters | null = null) {
    this.#others = others;
  }

  /** Listeners that wait now. */
  get size(): number {
    let count = 0;
    for (const set of this.#listeners.values()) count += set.size;
    return count;
  }

  /** Something of ours was committed. */
  notify(topic: string): void {
    this.heard(topic);
    this.#others?.tell?.(topic);
  }

  /** Others told of it. */
  heard(topic: string): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener();
  }

  /**
   * Resolves when one of `topics` is notified, `ready` says so, `signal` aborts or the wake is closed. When `ready`
   * rejects it resolves too: the reader's own read meets the error. Never rejects and leaves no listener behind.
   */
  wait(
    topics: readonly string[],
    ready: () => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted || this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const look = async (): Promise<void> => {
        if (await ready().catch(() => true)) done();
      };
      const lookAgain = (): void => void look();
      const done = (): void => {
        for (const topic of topics) this.#remove(topic, done);
        signal.removeEventListener('abort', done);
        this.#looks.delete(lookAgain);
        resolve();
      };
      for (const topic of topics) this.#add(topic, done);
      signal.addEventListener('abort', done);
      this.#watchOthers(lookAgain);
      void look();
    });
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const topic of this.#listeners.keys()) this.heard(topic);
  }

  #watchOthers(lookAgain: () => void): void {
    if (this.#others === null) return;
    this.#looks.add(lookAgain);
    this.#timer ??= setInterval(() => this.#askForOthers(), this.#others.everyMs);
  }

  /** A wait that began since the last question has looked already, or looks once too often. */
  #askForOthers(): void {
    if (this.#looks.size === 0 && this.#timer !== null) {
      clearInterval(this.#timer);
      this.#timer = null;
    } else if (this.#others?.haveWritten() === true) {
      for (const lookAgain of [...this.#looks]) lookAgain();
    }
  }

  #add(topic: string, listener: () => void): void {
    const set = this.#listeners.get(topic);
    if (set === undefined) this.#listeners.set(topic, new Set([listener]));
    else set.add(listener);
  }

  #remove(topic: string, listener: () => void): void {
    const set = this.#listeners.get(topic);
    if (set?.delete(listener) === true && set.size === 0) this.#listeners.delete(topic);
  }
}
