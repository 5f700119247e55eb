import { ConnectionError } from './errors.ts';
import { apiError, dataOf, type RawResult, record } from './read-result.ts';
import { asError, delayAfter, isRetryable, parseRetryAfter, pause } from './retry.ts';
import type { RetryPolicy } from './retry.ts';
import type { Operation } from './typed-document.ts';

export type Headers = Readonly<Record<string, string>>;
/** Called before every request, so that a credential may be renewed. */
export type HeaderSource = () => Headers | Promise<Headers>;
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface HttpRequest {
  readonly url: string;
  readonly query: string;
  readonly operation: Operation;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly headers: HeaderSource;
  readonly signal: AbortSignal;
  /** Of one try. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  readonly fetch: Fetch;
  readonly now: () => number;
}

/**
 * Sends one query or mutation and returns its data. What could start something twice (a mutation without an
 * `idempotencyKey`) is sent once; everything else is tried again after a lost connection or a retryable code.
 */
export async function send(request: HttpRequest): Promise<unknown> {
  const attempts = mayRepeat(request) ? request.retry.attempts : 1;
  for (let failures = 1; ; failures++) {
    try {
      return dataOf(await sendOnce(request));
    } catch (error) {
      request.signal.throwIfAborted();
      if (failures >= attempts || !isRetryable(error)) throw error;
      await pause(delayAfter(failures, error, request.retry), request.signal);
    }
  }
}

function mayRepeat({ operation, variables }: HttpRequest): boolean {
  if (operation.kind === 'query') return true;
  const key = record(variables['input'])['idempotencyKey'] ?? variables['idempotencyKey'];
  return typeof key === 'string' && key !== '';
}

async function sendOnce(request: HttpRequest): Promise<RawResult> {
  const { url, query, operation, variables, headers, signal, timeoutMs, now } = request;
  const given = await headers();
  const { response, text } = await exchange(
    async (limited) => {
      const response = await request.fetch(url, {
        method: 'POST',
        headers: {
          ...given,
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json;q=0.9',
        },
        body: JSON.stringify({ query, operationName: operation.name, variables }),
        signal: limited,
      });
      return { response, text: await response.text() };
    },
    signal,
    timeoutMs,
  );
  const result = parsedResult(text);
  if (result !== null) return withRetryAfter(result, response, now());
  throw refusedBy(response, text, now());
}

/** Turns whatever `fetch` throws into a `ConnectionError`; the caller's own abort is thrown as it is. */
export async function exchange<T>(
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<T> {
  signal.throwIfAborted();
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await work(AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (signal.aborted) throw asError(signal.reason);
    throw unreachable(error, timeout.aborted ? timeoutMs : null);
  }
}

/** Why `fetch` failed; `lateMs` when it was the time limit. */
export function unreachable(error: unknown, lateMs: number | null): ConnectionError {
  const message =
    lateMs === null
      ? `The server cannot be reached: ${reasonOf(error)}.`
      : `No answer came within ${lateMs} ms.`;
  return new ConnectionError(message, { cause: error });
}

/** An answer that is not GraphQL's or not ours: a proxy's page, or a plain refusal. */
export function refusedBy(response: Response, text: string, now: number): Error {
  const { code, message } = record(parsed(text));
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), now);
  const retryable = response.status >= 500 || [408, 425, 429].includes(response.status);
  if (typeof code === 'string' && typeof message === 'string') {
    return apiError([{ message, extensions: { code, retryable, retryAfterMs } }]);
  }
  return new ConnectionError(`The server answered ${response.status} and no GraphQL.`, {
    retryable,
    retryAfterMs,
  });
}

export function parsedResult(text: string): RawResult | null {
  const value = record(parsed(text));
  return 'data' in value || Array.isArray(value['errors']) ? value : null;
}

/** A proxy in front may ask to wait where the answer itself does not. */
function withRetryAfter(result: RawResult, response: Response, now: number): RawResult {
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after'), now);
  if (retryAfterMs === null || result.errors === undefined) return result;
  const errors = result.errors.map((error) => {
    const extensions = record(record(error)['extensions']);
    return {
      ...record(error),
      extensions: { ...extensions, retryAfterMs: extensions['retryAfterMs'] ?? retryAfterMs },
    };
  });
  return { ...result, errors };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** `fetch failed` says nothing; what it wraps does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== '' ? cause.message : error.message;
}
