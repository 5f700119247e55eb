import { setTimeout as sleep } from 'node:timers/promises';
import type { Ambient } from '../../domain/ambient.ts';
import { BackendError } from '../contract/error.ts';

const mostDoublings = 4;

/**
 * Slows all calls of one namespace down together once the platform throttles: a refused call counts against the limit
 * too, so only one at a time tries again, after pauses that double, until one is let through.
 */
export class Pace {
  readonly #ambient: Ambient;
  readonly #firstPauseMs: number;
  #refusals = 0;
  #nextAt = 0;
  #opened = new AbortController();

  constructor(ambient: Ambient, firstPauseMs: number) {
    this.#ambient = ambient;
    this.#firstPauseMs = firstPauseMs;
  }

  /** Resolves when a call may be sent; rejects with RateLimited when that would be after `deadline`. */
  async turn(operation: string, deadline: number, signal: AbortSignal): Promise<void> {
    while (this.#refusals > 0) {
      const wait = this.#nextAt - this.#ambient.now();
      if (wait <= 0) {
        this.#nextAt = this.#ambient.now() + this.#pauseMs();
        return;
      }
      if (this.#nextAt >= deadline) throw throttled(operation, wait);
      const either = AbortSignal.any([this.#opened.signal, signal]);
      await sleep(wait, null, { signal: either }).catch(() => null);
      signal.throwIfAborted();
    }
  }

  refused(): void {
    if (this.#refusals === 0) this.#opened = new AbortController();
    this.#refusals++;
    this.#nextAt = this.#ambient.now() + this.#pauseMs();
  }

  accepted(): void {
    if (this.#refusals === 0) return;
    this.#refusals = 0;
    this.#opened.abort();
  }

  #pauseMs(): number {
    const doublings = Math.min(this.#refusals - 1, mostDoublings);
    return Math.round(this.#firstPauseMs * 2 ** doublings * (0.75 + this.#ambient.random() / 2));
  }
}

function throttled(operation: string, retryAfterMs: number): BackendError {
  const message = 'OpenWhisk throttles the calls of this namespace.';
  return new BackendError('RateLimited', operation, message, { retryAfterMs });
}
