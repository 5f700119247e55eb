export type BackendErrorKind =
  | 'NotFound'
  | 'Rejected'
  | 'Unauthorized'
  | 'NoCapacity'
  | 'RateLimited'
  | 'Unavailable'
  | 'DeadlineExceeded'
  | 'Unsupported'
  | 'Closed'
  | 'Unexpected';

const temporaryKinds: readonly BackendErrorKind[] = [
  'NoCapacity',
  'RateLimited',
  'Unavailable',
  'DeadlineExceeded',
  'Closed',
];

/** The only error a backend rejects with. `temporary` says whether the same call may succeed later. */
export class BackendError extends Error {
  readonly kind: BackendErrorKind;
  readonly operation: string;
  readonly temporary: boolean;
  /** When to try again at the earliest, if the backend said so. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: BackendErrorKind,
    operation: string,
    message: string,
    more: { readonly cause?: unknown; readonly retryAfterMs?: number } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'BackendError';
    this.kind = kind;
    this.operation = operation;
    this.temporary = temporaryKinds.includes(kind);
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}
