import { BackendError } from '../contract/error.ts';
import { retryAfter } from './errors.ts';

/** Where the API server does not say how long. */
const plainMs = 1000;
const longestMs = 60_000;

/** After a 429 the API server is left alone for as long as it asked for: nothing is sent, whoever wants it. */
export class Rest {
  #until = 0;

  /** `header` is `Retry-After`. */
  begin(header: string | string[] | undefined): void {
    const asked = retryAfter(header) ?? plainMs;
    this.#until = Math.max(this.#until, performance.now() + Math.min(asked, longestMs));
  }

  assertOver(operation: string): void {
    const leftMs = Math.ceil(this.#until - performance.now());
    if (leftMs <= 0) return;
    const message = `Kubernetes asked for a pause; it is asked again in ${Math.ceil(leftMs / 1000)} s.`;
    throw new BackendError('RateLimited', operation, message, { retryAfterMs: leftMs });
  }
}
