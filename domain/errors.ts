import type { Json } from './json.ts';

/**
 * Every code a caller can meet, in one table. `retryable` says whether the same request may succeed later unchanged;
 * `level` is what the server logs it at. The table is equal to the API's enum and to docs/errors.md (a test holds them).
 */
export const errorTable = {
  BAD_REQUEST: { retryable: false, level: 'info', text: 'The request is malformed.' },
  BAD_ID: { retryable: false, level: 'info', text: 'The id is not one of this type.' },
  INVALID_ARGUMENT: {
    retryable: false,
    level: 'info',
    text: 'A value breaks a rule; the path names it.',
  },
  NOT_FOUND: {
    retryable: false,
    level: 'info',
    text: 'There is no such object, or you may not see it.',
  },
  ALREADY_EXISTS: { retryable: false, level: 'info', text: 'The name is taken.' },
  IDEMPOTENCY_MISMATCH: {
    retryable: false,
    level: 'info',
    text: 'The idempotency key was used with another input.',
  },
  VERSION_CONFLICT: {
    retryable: true,
    level: 'info',
    text: 'The object changed since you read it.',
  },
  WRONG_STATE: {
    retryable: false,
    level: 'info',
    text: 'The object is in a state that does not allow this.',
  },
  DIGEST_MISMATCH: {
    retryable: false,
    level: 'warn',
    text: 'The bytes do not have the declared SHA-256.',
  },
  TOO_LARGE: { retryable: false, level: 'info', text: 'The value is larger than the limit.' },
  QUOTA_EXCEEDED: { retryable: true, level: 'info', text: 'The quota would be exceeded.' },
  UNAUTHENTICATED: { retryable: false, level: 'info', text: 'Who you are could not be verified.' },
  FORBIDDEN: { retryable: false, level: 'info', text: 'You may see this but not do that.' },
  UNSUPPORTED: {
    retryable: false,
    level: 'info',
    text: 'The backend or the installation does not offer this.',
  },
  NOT_READY: { retryable: true, level: 'info', text: 'The endpoint is not warm yet.' },
  DEADLINE_EXCEEDED: {
    retryable: true,
    level: 'warn',
    text: 'The deadline passed before an answer came.',
  },
  MODULE_FAILED: {
    retryable: false,
    level: 'warn',
    text: 'The module answered with an error or with garbage.',
  },
  BACKEND_UNAVAILABLE: {
    retryable: true,
    level: 'warn',
    text: 'The backend cannot be reached or refuses work for now.',
  },
  BACKEND_REJECTED: {
    retryable: false,
    level: 'warn',
    text: 'The backend refused the request for good.',
  },
  STORAGE_FULL: { retryable: true, level: 'error', text: 'There is no room to store this.' },
  STORE_UNAVAILABLE: {
    retryable: true,
    level: 'error',
    text: 'The database cannot be reached for now.',
  },
  OVERLOADED: { retryable: true, level: 'warn', text: 'The server is busy beyond its limits.' },
  TOO_EXPENSIVE: {
    retryable: false,
    level: 'info',
    text: 'The operation costs more than the limit.',
  },
  SUBGRAPH_UNAVAILABLE: {
    retryable: true,
    level: 'warn',
    text: 'A part of the graph cannot be reached.',
  },
  SHUTTING_DOWN: {
    retryable: true,
    level: 'info',
    text: 'The server is stopping; resume from your last cursor.',
  },
  INTERNAL: {
    retryable: false,
    level: 'error',
    text: 'Something went wrong here; the request id finds it in the log.',
  },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  readonly retryable: boolean;
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
}

export type ErrorCode = keyof typeof errorTable;

/**
 * An expected failure of a use case. Mutations turn it into a `userErrors` entry, queries into a top-level error.
 * `inputPath` is the path inside the mutation's input, for example `['arguments', 'epochs']`.
 */
export class FathomError extends Error {
  readonly code: ErrorCode;
  /** Not `path`: graphql takes an error with a list of that name for one that it has placed in the answer already. */
  readonly inputPath: readonly string[];
  readonly retryAfterMs: number | null;
  readonly details: Json;

  constructor(
    code: ErrorCode,
    message: string,
    more: { path?: readonly string[]; retryAfterMs?: number; details?: Json; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'FathomError';
    this.code = code;
    this.inputPath = more.path ?? [];
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.details = more.details ?? null;
  }
}

/** Several findings about one input, thrown together so that a person mends them in one go. */
export class InvalidInputError extends Error {
  readonly errors: readonly FathomError[];

  constructor(errors: readonly FathomError[]) {
    super(errors.map((error) => error.message).join(' '));
    this.name = 'InvalidInputError';
    this.errors = errors;
  }
}
