import { isJsonObject } from '../../domain/json.ts';
import type { BackendErrorKind } from '../contract/error.ts';
import { BackendError } from '../contract/error.ts';

/** What an answer other than 2xx means. `text` is an error of OpenWhisk, or whatever stands before it said. */
export function refusal(operation: string, status: number, text: string): BackendError {
  const said = errorMessage(text);
  const message =
    said === null
      ? `The address of the platform answered HTTP ${status} with something that is not OpenWhisk.`
      : `OpenWhisk answered ${status}: ${said}`;
  return new BackendError(kindOf(status, said), operation, message);
}

/** Refused, cut off, timed out. */
export function unreachable(operation: string, error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const message = `OpenWhisk cannot be reached: ${reasonOf(error)}.`;
  return new BackendError('Unavailable', operation, message, { cause: error });
}

/** Whether nobody heard of the request. */
export function isConnectionRefused(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ECONNREFUSED';
}

/** `error`, with the transaction that the operator of the platform finds in its logs; null when it is none. */
function errorMessage(text: string): string | null {
  try {
    const said: unknown = JSON.parse(text);
    if (!isJsonObject(said) || typeof said['error'] !== 'string') return null;
    const { error, code } = said;
    const isCode = typeof code === 'string' || typeof code === 'number';
    return isCode && code !== '' ? `${error} (transaction ${code})` : error;
  } catch {
    return null;
  }
}

function kindOf(status: number, said: string | null): BackendErrorKind {
  if (status === 429) return 'RateLimited';
  if (status === 401) return 'Unauthorized';
  if (status >= 500 || status === 408) return 'Unavailable';
  if (status === 403) return 'Unauthorized';
  // A proxy's page says nothing about the request.
  if (said === null) return 'Unavailable';
  if (status === 404) return 'NotFound';
  return status >= 400 ? 'Rejected' : 'Unexpected';
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error as NodeJS.ErrnoException).code ?? (error.message || error.name);
}
