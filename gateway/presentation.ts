import { GraphQLError } from 'graphql';

/** What a caller is told of one failure. Nothing else of the thrown value leaves the process. */
export interface Failure {
  readonly message: string;
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
}

/** Maps any thrown value. Total: what it does not know is `INTERNAL` with a sentence that leaks nothing. */
export type ErrorFor = (error: unknown, requestId: string) => Failure;

/** A refusal by the gateway itself; it needs no mapping. */
export class GatewayError extends Error {
  readonly failure: Failure;
  /** The HTTP status when the whole request is refused with it. */
  readonly status: number;

  constructor(
    code: string,
    message: string,
    more: { status?: number; retryable?: boolean; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'GatewayError';
    this.status = more.status ?? 400;
    this.failure = {
      message,
      code,
      retryable: more.retryable ?? false,
      retryAfterMs: more.retryAfterMs ?? null,
    };
  }
}

export interface Presenter {
  readonly errorFor: ErrorFor;
  readonly requestId: string;
}

/**
 * The error as a caller sees it: message, path, locations and `extensions { code retryable retryAfterMs requestId }`.
 * Idempotent, so an error that a subgraph process has presented passes as it is.
 */
export function present(error: unknown, presenter: Presenter): GraphQLError {
  const located = error instanceof GraphQLError ? error : undefined;
  if (located !== undefined && isPresented(located.extensions)) return located;
  const failure = failureOf(error, presenter);
  return new GraphQLError(failure.message, {
    nodes: located?.nodes ?? null,
    path: located?.path ?? null,
    extensions: {
      code: failure.code,
      retryable: failure.retryable,
      retryAfterMs: failure.retryAfterMs,
      requestId: presenter.requestId,
    },
  });
}

function failureOf(error: unknown, { errorFor, requestId }: Presenter): Failure {
  const cause = rootOf(error);
  if (cause instanceof GatewayError) return cause.failure;
  // Without a path nothing has run: graphql refuses the request itself (syntax, validation, variables), and says what a
  // caller must mend, also where a scalar threw something of its own.
  if (error instanceof GraphQLError && error.path === undefined) {
    const code: unknown = (error.extensions as Record<string, unknown> | undefined)?.['code'];
    return {
      message: error.message,
      code: typeof code === 'string' ? code : 'BAD_REQUEST',
      retryable: false,
      retryAfterMs: null,
    };
  }
  return errorFor(cause, requestId);
}

/** The value that was thrown first: executors wrap it once for each level that relocates it. */
function rootOf(error: unknown): unknown {
  let root = error;
  while (root instanceof GraphQLError && root.originalError !== undefined) {
    if (root.originalError === root) break;
    root = root.originalError;
  }
  return root;
}

function isPresented(extensions: Readonly<Record<string, unknown>> | undefined): boolean {
  return (
    extensions !== undefined &&
    typeof extensions['code'] === 'string' &&
    typeof extensions['requestId'] === 'string' &&
    'retryable' in extensions
  );
}
