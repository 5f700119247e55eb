import { eventStreamTransport } from './event-stream.ts';
import { type Fetch, type Headers, type HeaderSource, send } from './http.ts';
import { type Reconnection, resumed } from './resume.ts';
import { requestRetry, type RetryPolicy, streamRetry } from './retry.ts';
import type { Transport } from './transport.ts';
import { operationOf, type TypedDocument } from './typed-document.ts';
import { upload } from './upload.ts';
import type { UploadBody } from './upload-source.ts';
import { webSocketTransport } from './web-socket.ts';

export interface ClientOptions {
  /** Of the graph, for example `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** Sent with every request and with the WebSocket's first message; a function is asked each time. */
  readonly headers?: Headers | HeaderSource;
  /** How subscriptions travel; default `ws`. */
  readonly transport?: 'ws' | 'sse';
  /** A WebSocket constructor, where the platform has none. */
  readonly webSocket?: unknown;
  /** What is left out keeps its default: 4 tries for requests and parts of uploads, 40 in a row for subscriptions. */
  readonly retry?: {
    readonly requests?: Partial<RetryPolicy>;
    readonly subscriptions?: Partial<RetryPolicy>;
  };
  /** Of one try of a request, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** Milliseconds without a sign of the server after which a subscription reconnects; default 45,000. */
  readonly silenceMs?: number;
  /** Told of every reconnection of a subscription. */
  readonly onReconnect?: (reconnection: Reconnection) => void;
  readonly fetch?: Fetch;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface UploadOptions {
  readonly signal?: AbortSignal;
  /** Bytes the server has, of all. */
  readonly onProgress?: (sent: number, total: number) => void;
}

export interface Client {
  /** The data of a query or mutation. Throws `FathomApiError` (a subclass by code) or `ConnectionError`. */
  run<TResult, TVariables>(
    document: TypedDocument<TResult, TVariables>,
    variables: TVariables,
    options?: RunOptions,
  ): Promise<TResult>;
  /**
   * The data of every event. A document with `$after` that selects `sequence` or `offset` survives lost connections and
   * restarts of the server: each entry comes once and in order. Ends when the server says so; an aborted signal is thrown.
   */
  subscribe<TResult, TVariables>(
    document: TypedDocument<TResult, TVariables>,
    variables: TVariables,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterableIterator<TResult>;
  /** Sends bytes to an upload's URL, resuming what is there. Resolves when the server has them all and their digest is right. */
  upload(url: string, body: UploadBody, options?: UploadOptions): Promise<void>;
  /** Ends every subscription with a `ConnectionError`. */
  close(): void;
}

type Variables = Readonly<Record<string, unknown>>;

/** Opens nothing yet: the first subscription does. */
export function createClient(options: ClientOptions): Client {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const requests: RetryPolicy = { ...requestRetry, ...options.retry?.requests };
  const streams: RetryPolicy = { ...streamRetry, ...options.retry?.subscriptions };
  const headers = headerSource(options.headers);
  const fetch: Fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
  const now = (): number => Date.now();
  const transport = transportOf(options, headers, fetch, now, timeoutMs);

  return {
    async run<TResult, TVariables>(
      document: TypedDocument<TResult, TVariables>,
      variables: TVariables,
      { signal, timeoutMs: own }: RunOptions = {},
    ): Promise<TResult> {
      const query = document.toString();
      const data = await send({
        url: options.url,
        query,
        operation: operationOf(query),
        variables: variables ?? {},
        headers,
        signal: signal ?? new AbortController().signal,
        timeoutMs: own ?? timeoutMs,
        retry: requests,
        fetch,
        now,
      });
      return data as TResult;
    },

    subscribe<TResult, TVariables>(
      document: TypedDocument<TResult, TVariables>,
      variables: TVariables,
      { signal }: { readonly signal?: AbortSignal } = {},
    ): AsyncIterableIterator<TResult> {
      const query = document.toString();
      const resumeOptions = {
        query,
        operation: operationOf(query),
        variables: (variables ?? {}) as Variables,
        retry: streams,
        onReconnect: options.onReconnect ?? (() => undefined),
      };
      return stoppable(
        (stop) => resumed(transport, resumeOptions, stop) as AsyncGenerator<TResult, void>,
        signal,
      );
    },

    upload(url, body, { signal, onProgress } = {}) {
      return upload({
        url,
        body,
        signal: signal ?? new AbortController().signal,
        onProgress: onProgress ?? (() => undefined),
        timeoutMs,
        retry: requests,
        fetch,
        now,
      });
    },

    close: () => transport.close(),
  };
}

function transportOf(
  { url, transport, webSocket, silenceMs = 45_000 }: ClientOptions,
  headers: HeaderSource,
  fetch: Fetch,
  now: () => number,
  timeoutMs: number,
): Transport {
  if (transport === 'sse')
    return eventStreamTransport({ url, headers, fetch, now, timeoutMs, silenceMs });
  const half = silenceMs / 2;
  return webSocketTransport({
    url: url.replace(/^http/, 'ws'),
    headers,
    webSocket,
    keepAliveMs: half,
    timeoutMs: Math.min(timeoutMs, half),
  });
}

function headerSource(given: ClientOptions['headers']): HeaderSource {
  return typeof given === 'function' ? given : () => given ?? {};
}

/** A generator whose `return` does not wait for the event that is being awaited: it breaks the connection off. */
function stoppable<T>(
  generate: (signal: AbortSignal) => AsyncGenerator<T, void>,
  outer: AbortSignal | undefined,
): AsyncIterableIterator<T> {
  const stop = new AbortController();
  const generator = generate(
    outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal]),
  );
  return {
    next: () =>
      generator.next().catch((error: unknown) => {
        if (stop.signal.aborted) return { done: true, value: undefined };
        throw error;
      }),
    async return() {
      stop.abort();
      await generator.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
