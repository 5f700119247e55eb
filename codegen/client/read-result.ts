import { type ApiFailure, FathomApiError } from './errors.ts';
import { errorClasses } from './generated/error-classes.ts';

/** What any transport brings: GraphQL's response map, unchecked. */
export interface RawResult {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
}

/** The data of an answer without errors; throws the error class of the first error's code otherwise. */
export function dataOf(result: RawResult): unknown {
  if (result.errors === undefined || result.errors.length === 0) return result.data;
  throw apiError(result.errors, result.data ?? null);
}

export function apiError(errors: readonly unknown[], data: unknown = null): FathomApiError {
  const failures = errors.map(failureOf);
  const [first = failureOf(null)] = failures;
  const known = Object.hasOwn(errorClasses, first.code)
    ? errorClasses[first.code as keyof typeof errorClasses]
    : FathomApiError;
  return new known(first, failures, data);
}

function failureOf(error: unknown): ApiFailure {
  const { message, path, extensions } = record(error);
  const { code, retryable, retryAfterMs, requestId } = record(extensions);
  return {
    code: typeof code === 'string' ? code : 'INTERNAL',
    message: typeof message === 'string' ? message : 'The server answered with an error.',
    retryable: retryable === true,
    retryAfterMs: typeof retryAfterMs === 'number' ? retryAfterMs : null,
    requestId: typeof requestId === 'string' ? requestId : null,
    path: Array.isArray(path) ? (path as (string | number)[]) : [],
  };
}

export function record(value: unknown): Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}
