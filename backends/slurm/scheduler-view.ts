import type { BackendError } from '../contract/error.ts';
import { BackendError as Failure } from '../contract/error.ts';
import type { SlurmClient } from './client.ts';
import { isEndState } from './observe.ts';
import type { NativeJob } from './native.ts';

interface Question {
  readonly id: string;
  readonly resolve: (job: NativeJob | null) => void;
  readonly reject: (error: unknown) => void;
}

const firstDelayMs = 500;
const longestDelayMs = 30_000;

/**
 * One question to Slurm for however many jobs are looked at. An answer was always asked for after the look began, so
 * a job that was submitted before it is in it. While Slurm does not answer, looks fail at once and say when to try again.
 */
export class SchedulerView {
  readonly #client: SlurmClient;
  readonly #spacingMs: number;
  readonly #usesAccounting: boolean;
  readonly #pauses: boolean;
  #waiting: Question[] = [];
  #isBusy = false;
  #timer: NodeJS.Timeout | null = null;
  #lastStart = -Infinity;
  #failures = 0;
  #retryAt = 0;
  #lastFailure: BackendError | null = null;
  #closed: BackendError | null = null;

  constructor(
    client: SlurmClient,
    options: {
      readonly spacingMs: number;
      readonly usesAccounting: boolean;
      /** Whether looks fail at once for a while after one failed. */
      readonly pauses: boolean;
    },
  ) {
    this.#client = client;
    this.#spacingMs = options.spacingMs;
    this.#usesAccounting = options.usesAccounting;
    this.#pauses = options.pauses;
  }

  /** What Slurm (or its accounting) says of the job now; null when it knows no such job. */
  look(id: string): Promise<NativeJob | null> {
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

  #take(): readonly Question[] {
    const questions = this.#waiting;
    this.#waiting = [];
    return questions;
  }

  #arm(): void {
    if (this.#isBusy || this.#timer !== null || this.#waiting.length === 0) return;
    const wait = Math.max(0, this.#lastStart + this.#spacingMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#ask();
    }, wait);
  }

  async #ask(): Promise<void> {
    this.#isBusy = true;
    this.#lastStart = performance.now();
    const questions = this.#take();
    try {
      const answers = await this.#answers([...new Set(questions.map(({ id }) => id))]);
      this.#failures = 0;
      this.#lastFailure = null;
      for (const { id, resolve } of questions) resolve(answers.get(id) ?? null);
    } catch (error) {
      if (error instanceof Failure && this.#pauses) {
        this.#lastFailure = error;
        const delay = Math.min(firstDelayMs * 2 ** this.#failures++, longestDelayMs);
        this.#retryAt = performance.now() + Math.max(delay, error.retryAfterMs ?? 0);
      }
      for (const { reject } of questions) reject(this.#closed ?? error);
    } finally {
      this.#isBusy = false;
      if (this.#closed === null) this.#arm();
    }
  }

  async #answers(ids: readonly string[]): Promise<ReadonlyMap<string, NativeJob>> {
    const known = await this.#client.jobs(ids);
    const missing = ids.filter((id) => !known.has(id));
    if (missing.length === 0 || !this.#usesAccounting) return known;
    const history = await this.#client.history(missing);
    // Accounting that still calls a job alive which Slurm has forgotten lags behind, or is a runaway job: no evidence.
    const ended = [...(history ?? [])].filter(([, job]) => isEndState(job));
    return new Map([...known, ...ended]);
  }
}
