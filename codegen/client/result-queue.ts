import { ConnectionError } from './errors.ts';
import type { RawResult } from './read-result.ts';

/** Between a socket that pushes and a reader that pulls. What was pushed before a failure is read before it. */
export class ResultQueue {
  readonly #most: number;
  #waiting: RawResult[] = [];
  #end: { readonly error: Error | null } | null = null;
  #wake: () => void = () => undefined;
  #dispose: () => void = () => undefined;

  /** `most`: how many results may wait; one more breaks the stream off, to be resumed from what was read. */
  constructor(most: number) {
    this.#most = most;
  }

  push(result: RawResult): void {
    if (this.#end !== null) return;
    if (this.#waiting.length >= this.#most) {
      this.fail(new ConnectionError(`The reader is ${this.#most} results behind.`));
      this.dispose();
      return;
    }
    this.#waiting.push(result);
    this.#wake();
  }

  /** Only the first end counts. */
  fail(error: Error): void {
    this.#end ??= { error };
    this.#wake();
  }

  end(): void {
    this.#end ??= { error: null };
    this.#wake();
  }

  onDispose(dispose: () => void): void {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }

  async *results(): AsyncGenerator<RawResult, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#end === null) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (this.#end.error === null) return;
      else throw this.#end.error;
    }
  }
}
