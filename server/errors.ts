import { BackendError } from '../backends/contract/error.ts';
import { errorTable, FathomError, InvalidInputError } from '../domain/errors.ts';
import type { ErrorFor, Failure } from '../gateway/presentation.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string, details?: object) => void;

/** What a caller is told of a failure. What we did not expect is logged here with its request id, and masked. */
export function errorMapper(log: Log): ErrorFor {
  return (error, requestId) => {
    if (error instanceof FathomError) return failure(error);
    const first = error instanceof InvalidInputError ? error.errors[0] : undefined;
    if (first !== undefined) return failure(first);
    if (error instanceof BackendError) {
      const code = error.temporary ? 'BACKEND_UNAVAILABLE' : 'BACKEND_REJECTED';
      return failure(new FathomError(code, error.message));
    }
    const details = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log('error', 'Unexpected failure.', { requestId, details });
    return failure(new FathomError('INTERNAL', errorTable.INTERNAL.text));
  };
}

function failure(error: FathomError): Failure {
  return {
    message: error.message,
    code: error.code,
    retryable: errorTable[error.code].retryable,
    retryAfterMs: error.retryAfterMs,
  };
}
