/**
 * Wakes readers of a topic; never carries the truth. A wake cannot be missed: the listener is registered first, and
 * only then the truth is looked at, so a commit lands either before the look or on the listener.
 */
export class Wake {
  readonly #listeners = new Map<string, Set<() => void>>();
  #closed = false;

  /** Listeners that wait now. */
  get size(): number {
    let count = 0;
    for (const set of this.#listeners.values()) count += set.size;
    return count;
  }

  notify(topic: string): void {
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
      const done = (): void => {
        for (const topic of topics) this.#remove(topic, done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      for (const topic of topics) this.#add(topic, done);
      signal.addEventListener('abort', done);
      void look();

      async function look(): Promise<void> {
        if (await ready().catch(() => true)) done();
      }
    });
  }

  close(): void {
    this.#closed = true;
    for (const topic of this.#listeners.keys()) this.notify(topic);
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
