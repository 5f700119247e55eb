import type { BackendErrorKind } from '../contract/error.ts';
import { BackendError } from '../contract/error.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What an answer other than 2xx means. Nomad's errors are plain text, and most of what it refuses is a 500. */
export function refusal(operation: string, answer: Answer): BackendError {
  const { status, headers, text } = answer;
  const said = ownWords(answer);
  const message =
    said === null
      ? `The address of Nomad answered HTTP ${status} with something that is not Nomad.`
      : `Nomad answered ${status}: ${said || 'nothing more'}`;
  const kind = kindOf(status, said, text);
  const retryAfterMs = retryAfter(headers['retry-after']);
  return new BackendError(kind, operation, message, retryAfterMs === null ? {} : { retryAfterMs });
}

/** Refused, cut off, timed out, or no Nomad at all. */
export function unreachable(operation: string, error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const message = `Nomad cannot be reached: ${reasonOf(error)}.`;
  return new BackendError('Unavailable', operation, message, { cause: error });
}

/** Whether a register with index 0 met a job of that name. */
export function isThereAlready({ status, text }: Answer): boolean {
  return status >= 400 && /job already exists/i.test(text);
}

/** Null when somebody between us and Nomad speaks. */
function ownWords({ headers, text }: Answer): string | null {
  const type = headers['content-type'];
  const isPage = /html/i.test(Array.isArray(type) ? type.join() : (type ?? ''));
  if (isPage || /^\s*<(!doctype|html)/i.test(text)) return null;
  return text.trim().replaceAll(/\s+/g, ' ').slice(0, 1000);
}

/** Of the cluster's own state: the same request may succeed later. */
const passing =
  /no cluster leader|no path to|rpc error|raft|leadership|not ready|timed? ?out|i\/o timeout|connection (refused|reset)|eof$|shutting? ?down|rate limit|too many/i;

function kindOf(status: number, said: string | null, text: string): BackendErrorKind {
  if (status === 429) return 'RateLimited';
  if (status === 401) return 'Unauthorized';
  if (said === null) return status === 403 ? 'Unauthorized' : 'Unavailable';
  if (/permission denied|acl token (not found|expired)|token is invalid|uuid must be/i.test(text)) {
    return 'Unauthorized';
  }
  if (status === 403) {
    // Switched off by the operator, or no credentials of ours would help.
    return /disabled/i.test(text) ? 'Unavailable' : 'Unauthorized';
  }
  // Some of what is not there is a 500.
  if (status === 404 || /\b(job|alloc(ation)?|evaluation|deployment) not found/i.test(text)) {
    return 'NotFound';
  }
  if (status === 405 || status === 501) return 'Unsupported';
  if (status === 408 || status === 502 || status === 503 || status === 504) return 'Unavailable';
  if (/quota/i.test(text)) return 'NoCapacity';
  if (status === 500) return isRefusedWord(text) ? 'Rejected' : 'Unavailable';
  return status >= 400 ? 'Rejected' : 'Unexpected';
}

/** What validation says, as against what is wrong with the cluster for now. */
function isRefusedWord(text: string): boolean {
  if (passing.test(text)) return false;
  return /errors? occurred|missing|invalid|must |cannot|can't|not (allowed|supported|permitted|exist)|does not|enforcing job modify index|unsupported|nonexistent/i.test(
    text,
  );
}

function retryAfter(value: string | string[] | undefined): number | null {
  const seconds = Number(Array.isArray(value) ? value[0] : value);
  return value !== undefined && Number.isFinite(seconds) && seconds >= 0
    ? Math.round(seconds * 1000)
    : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.message === 'fetch failed' && cause instanceof Error) return reasonOf(cause);
  return (error as NodeJS.ErrnoException).code ?? (error.message || error.name);
}
