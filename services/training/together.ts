import { setImmediate } from 'node:timers/promises';

interface Waiting<T, R> {
  readonly one: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** More would make the first ones wait for the last. */
const most = 64;

/**
 * What many ask for at once, written together: those that come while one transaction is under way share the next one, in
 * the order in which they came.
 */
export class Together<T, R> {
  readonly #write: (all: readonly T[]) => Promise<readonly (R | Error)[]>;
  readonly #isOfOne: (error: unknown) => boolean;
  readonly #waiting: Waiting<T, R>[] = [];
  #isAtWork = false;

  /**
   * `write` is one transaction, and gives for each what it gets, or why it gets nothing. Where it rejects with an error that
   * may be of one only (`isOfOne`), nothing was written and each is tried by itself: one must not take others with it.
   */
  constructor(
    write: (all: readonly T[]) => Promise<readonly (R | Error)[]>,
    isOfOne: (error: unknown) => boolean,
  ) {
    this.#write = write;
    this.#isOfOne = isOfOne;
  }

  add(one: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ one, resolve, reject });
      if (!this.#isAtWork) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    // Who asks in the same turn of the event loop comes along.
    await setImmediate();
    while (this.#waiting.length > 0) await this.#together(this.#waiting.splice(0, most));
    this.#isAtWork = false;
  }

  async #together(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const results = await this.#write(batch.map(({ one }) => one));
      for (const [index, { resolve, reject }] of batch.entries()) {
        const result = results[index];
        if (result instanceof Error) reject(result);
        else resolve(result as R);
      }
    } catch (error) {
      if (batch.length > 1 && this.#isOfOne(error)) {
        for (const one of batch) await this.#together([one]);
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }
}
