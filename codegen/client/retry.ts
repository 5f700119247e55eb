import { ConnectionError, FathomApiError } from './errors.ts';

export interface RetryPolicy {
  /** Tries in a row without any progress before the failure is thrown. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled before each further one. */
  readonly initialMs: number;
  /** Of one wait. What a server asks for by `retryAfterMs` may be longer. */
  readonly maximumMs: number;
  /** In [0, 1): spreads clients that lost the same server. */
  readonly random: () => number;
}

/** Requests are answered soon or not at all. */
export const requestRetry: RetryPolicy = {
  attempts: 4,
  initialMs: 100,
  maximumMs: 2_000,
  random: () => Math.random(),
};

/** Streams outlive a restart of the server: about three minutes without a sign of it. */
export const streamRetry: RetryPolicy = {
  attempts: 40,
  initialMs: 100,
  maximumMs: 5_000,
  random: () => Math.random(),
};

/** What a server may ask for; more would be a mistake, and timers overflow. */
const longestWaitMs = 600_000;

/** Milliseconds to wait after `failures` failures in a row (1, 2, …): half of it fixed, half of it drawn. */
export function delayAfter(failures: number, error: unknown, policy: RetryPolicy): number {
  const most = Math.min(policy.maximumMs, policy.initialMs * 2 ** Math.min(failures - 1, 30));
  const own = most / 2 + (policy.random() * most) / 2;
  return Math.round(Math.max(own, Math.min(retryAfterMs(error) ?? 0, longestWaitMs)));
}

export function isRetryable(error: unknown): boolean {
  return (error instanceof FathomApiError || error instanceof ConnectionError) && error.retryable;
}

/** Rejects with the signal's reason as soon as it is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(asError(signal.reason));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** HTTP's Retry-After in milliseconds: seconds, or a date seen from `now` (epoch milliseconds). */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value));
}

function retryAfterMs(error: unknown): number | null {
  return error instanceof FathomApiError || error instanceof ConnectionError
    ? error.retryAfterMs
    : null;
}
