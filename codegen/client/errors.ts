export interface ApiFailure {
  /** From the error table; a newer server may know codes that this client does not. */
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** Finds the failure in the server's log. */
  readonly requestId: string | null;
  /** Where in the answer; empty when the whole request was refused. */
  readonly path: readonly (string | number)[];
}

/** The server answered, and the answer is an error. There is one subclass for each code of the error table. */
export class FathomApiError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  readonly requestId: string | null;
  readonly path: readonly (string | number)[];
  /** Every error of the answer, this one first. */
  readonly failures: readonly ApiFailure[];
  /** What the answer held beside its errors; null when there was nothing. */
  readonly data: unknown;

  constructor(first: ApiFailure, failures: readonly ApiFailure[] = [first], data: unknown = null) {
    super(first.message);
    this.name = new.target.name;
    this.code = first.code;
    this.retryable = first.retryable;
    this.retryAfterMs = first.retryAfterMs;
    this.requestId = first.requestId;
    this.path = first.path;
    this.failures = failures;
    this.data = data;
  }
}

/** No answer came, or it broke off: nothing is known of what the server did. */
export class ConnectionError extends Error {
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** Of a WebSocket; null elsewhere. */
  readonly closeCode: number | null;

  constructor(
    message: string,
    more: {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number | null;
      readonly closeCode?: number | null;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'ConnectionError';
    this.retryable = more.retryable ?? true;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.closeCode = more.closeCode ?? null;
  }
}

/** A stream that must be without holes has one that asking again did not fill. */
export class GapError extends Error {
  readonly after: number;
  readonly next: number;

  constructor(after: number, next: number) {
    super(`The entry behind ${after} is ${next}: those between are missing on the server.`);
    this.name = 'GapError';
    this.after = after;
    this.next = next;
  }
}

export interface UserErrorEntry {
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[];
}

/** A mutation changed nothing, for reasons that are the caller's to mend. */
export class UserErrors extends Error {
  readonly errors: readonly UserErrorEntry[];

  constructor(errors: readonly UserErrorEntry[]) {
    super(errors.map((error) => error.message).join(' '));
    this.name = 'UserErrors';
    this.errors = errors;
  }
}

/** The object of a mutation's payload; throws `UserErrors` when there is none. */
export function accepted<
  P extends { readonly userErrors: readonly UserErrorEntry[] },
  N extends Exclude<keyof P, 'userErrors'>,
>(payload: P, name: N): NonNullable<P[N]> {
  const value = payload[name];
  if (payload.userErrors.length > 0 || value === null || value === undefined) {
    throw new UserErrors(payload.userErrors);
  }
  return value;
}
