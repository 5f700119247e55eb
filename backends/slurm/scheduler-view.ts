import type { BackendError } from '../contract/error.ts';
import { BackendError as Failure } from '../contract/error.ts';

interface Question<T> {
  readonly id: string;
  readonly resolve: (answer: T | null) => void;
  readonly reject: (error: unknown) => void;
}

const firstDelayMs = 500;
const longestDelayMs = 30_000;

/**
 * One question to Slurm (or to its accounting) for however many jobs are looked at. An answer was always asked for after the
 * look began, so a job that was submitted before it is in it. While there is no answer, looks fail at once and say when to
 * try again.
 */
export class SchedulerView<T> {
  readonly #ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T> | null>;
  readonly #spacingMs: number;
  readonly #pauses: boolean;
  #waiting: Question<T>[] = [];
  #isBusy = false;
  #timer: NodeJS.Timeout | null = null;
  #lastStart = -Infinity;
  #failures = 0;
  #retryAt = 0;
  #lastFailure: BackendError | null = null;
  #closed: BackendError | null = null;

  constructor(
    ask: (ids: readonly string[]) => Promise<ReadonlyMap<string, T> | null>,
    options: {
      readonly spacingMs: number;
      /** Whether looks fail at once for a while after one failed. */
      readonly pauses: boolean;
    },
  ) {
    this.#ask = ask;
    this.#spacingMs = options.spacingMs;
    this.#pauses = options.pauses;
  }

  /** What is said of the job now; null when nothing is. */
  look(id: string): Promise<T | null> {
    if (this.#closed !== null) return Promise.reject(this.#closed);
    const wait = this.#retryAt - performance.now();
    if (this.#lastFailure !== null && wait > 0) {
      const { kind, operation, message } = this.#lastFailure;
      return Promise.reject(new Failure(kind, operation, message, { retryAfterMs: wait }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      this.#arm();
    });
  }

  close(reason: BackendError): void {
    this.#closed = reason;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const question of this.#take()) question.reject(reason);
  }

  #take(): readonly Question<T>[] {
    const questions = this.#waiting;
    this.#waiting = [];
    return questions;
  }

  #arm(): void {
    if (this.#isBusy || this.#timer !== null || this.#waiting.length === 0) return;
    const wait = Math.max(0, this.#lastStart + this.#spacingMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#askNow();
    }, wait);
  }

  async #askNow(): Promise<void> {
    this.#isBusy = true;
    this.#lastStart = performance.now();
    const questions = this.#take();
    try {
      const answers = await this.#ask([...new Set(questions.map(({ id }) => id))]);
      this.#failures = 0;
      this.#lastFailure = null;
      for (const { id, resolve } of questions) resolve(answers?.get(id) ?? null);
    } catch (error) {
      const failure = this.#pauses && error instanceof Failure ? this.#pause(error) : error;
      for (const { reject } of questions) reject(this.#closed ?? failure);
    } finally {
      this.#isBusy = false;
      if (this.#closed === null) this.#arm();
    }
  }

  /** The same error, saying when there will be another try. */
  #pause(error: BackendError): BackendError {
    const delay = Math.min(firstDelayMs * 2 ** this.#failures++, longestDelayMs);
    const retryAfterMs = Math.max(delay, error.retryAfterMs ?? 0);
    this.#lastFailure = error;
    this.#retryAt = performance.now() + retryAfterMs;
    return new Failure(error.kind, error.operation, error.message, { cause: error, retryAfterMs });
  }
}
