import type { BackendErrorKind } from '../contract/error.ts';
import { BackendError } from '../contract/error.ts';
import { isJsonObject } from '../../domain/json.ts';

/** What an answer other than 2xx means. `text` is a Status object, or whatever stands between us and the cluster said. */
export function refusal(
  operation: string,
  status: number,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  text: string,
): BackendError {
  const said = statusMessage(text);
  const message =
    said === null
      ? `The address of the cluster answered HTTP ${status} with something that is not Kubernetes.`
      : `Kubernetes answered ${status}: ${said}`;
  const kind = kindOf(status, said);
  const retryAfterMs = retryAfter(headers['retry-after']);
  return new BackendError(kind, operation, message, retryAfterMs === null ? {} : { retryAfterMs });
}

/** Refused, cut off, timed out, or no Kubernetes at all. */
export function unreachable(operation: string, error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const message = `The cluster cannot be reached: ${reasonOf(error)}.`;
  return new BackendError('Unavailable', operation, message, { cause: error });
}

/** The message of a Status object; null when it is none. */
export function statusMessage(text: string): string | null {
  try {
    const said: unknown = JSON.parse(text);
    if (!isJsonObject(said) || said['kind'] !== 'Status') return null;
    const message = said['message'];
    return typeof message === 'string' ? message : '';
  } catch {
    return null;
  }
}

function kindOf(status: number, said: string | null): BackendErrorKind {
  if (status === 429) return 'RateLimited';
  if (status === 401) return 'Unauthorized';
  if (status >= 500 || status === 408) return 'Unavailable';
  // A proxy's page says nothing about the request.
  if (said === null) return status === 403 ? 'Unauthorized' : 'Unavailable';
  if (status === 403) return /exceeded quota|quota/i.test(said) ? 'NoCapacity' : 'Unauthorized';
  if (status === 404) return /namespaces? "/.test(said) ? 'Rejected' : 'NotFound';
  if (status === 409) return 'Unavailable';
  return status >= 400 ? 'Rejected' : 'Unexpected';
}

/** Of `Retry-After`, in milliseconds; null when it says no number of seconds. */
export function retryAfter(value: string | string[] | undefined): number | null {
  const seconds = Number(Array.isArray(value) ? value[0] : value);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1000) : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (error.message === 'fetch failed' && cause instanceof Error) return reasonOf(cause);
  return (error as NodeJS.ErrnoException).code ?? (error.message || error.name);
}
