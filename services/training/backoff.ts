import type { BackendError } from '../../backends/contract/error.ts';
import type { Waiting, WaitingCode } from '../../domain/waiting.ts';

/**
 * Milliseconds before the next try: about as long as it has already been going wrong, so delays double, between half a
 * second and `most`, with jitter so that many do not meet.
 */
export function backoff(
  waiting: Waiting | null,
  code: WaitingCode,
  now: number,
  random: () => number,
  most = 30_000,
): number {
  const wrongSince = waiting?.code === code ? waiting.since : now;
  const full = Math.min(most, Math.max(500, now - wrongSince));
  return Math.round(full * (0.75 + random() * 0.5));
}

/** What a person is told while a backend does not do as asked. */
export function waitingCodeOf(error: BackendError): WaitingCode {
  switch (error.kind) {
    case 'Unauthorized':
      return 'AUTHENTICATION';
    case 'RateLimited':
      return 'RATE_LIMITED';
    case 'NoCapacity':
      return 'RESOURCES_BUSY';
    case 'Unavailable':
    case 'DeadlineExceeded':
    case 'Closed':
      return 'BACKEND_UNREACHABLE';
    default:
      return 'BACKEND_REFUSING';
  }
}
