import { createClient, type Client as Socket } from 'graphql-ws/client';
import { ConnectionError } from './errors.ts';
import { clientClosed } from './event-stream.ts';
import type { HeaderSource } from './http.ts';
import { apiError, type RawResult, record } from './read-result.ts';
import { asError } from './retry.ts';
import { ResultQueue } from './result-queue.ts';
import type { StreamRequest, Transport } from './transport.ts';

export interface WebSocketOptions {
  readonly url: string;
  readonly headers: HeaderSource;
  /** A constructor, where the platform has none. */
  readonly webSocket: unknown;
  /** Milliseconds between pings, and how long an answer to one may take. */
  readonly keepAliveMs: number;
  readonly timeoutMs: number;
}

/** Closes by the server after which the same request cannot succeed. */
const final = new Set([4004, 4005, 4400, 4401, 4403, 4406, 4409, 4429]);

/** A reader that is this many results behind is resumed later instead of being kept in memory. */
const mostBuffered = 1_000;

/** graphql-transport-ws: one socket for all subscriptions, opened with the first and closed after the last. */
export function webSocketTransport(options: WebSocketOptions): Transport {
  const open = new Set<ResultQueue>();
  let isClosed = false;
  let unanswered: ReturnType<typeof setTimeout> | undefined;
  const socket: Socket = createClient({
    url: options.url,
    webSocketImpl: options.webSocket,
    connectionParams: async () => ({ ...(await options.headers()) }),
    // Its own retry would send the first `after` again; resuming is ours.
    retryAttempts: 0,
    lazyCloseTimeout: 1_000,
    connectionAckWaitTimeout: options.timeoutMs,
    keepAlive: options.keepAliveMs,
    on: {
      ping(received) {
        if (!received) unanswered = setTimeout(() => socket.terminate(), options.timeoutMs);
      },
      pong(received) {
        if (received) clearTimeout(unanswered);
      },
      closed(event) {
        clearTimeout(unanswered);
        // The library takes a close that calls itself normal for the end of a connection nobody needs.
        if (closeCodeOf(event) === 1000) {
          for (const queue of open) queue.fail(lost(event));
        }
      },
    },
  });

  return {
    async *open(request, signal) {
      if (isClosed) throw clientClosed();
      signal.throwIfAborted();
      const queue = subscribe(socket, request);
      const stop = (): void => queue.fail(asError(signal.reason));
      signal.addEventListener('abort', stop, { once: true });
      open.add(queue);
      try {
        yield* queue.results();
      } finally {
        signal.removeEventListener('abort', stop);
        open.delete(queue);
        queue.dispose();
      }
    },
    close() {
      isClosed = true;
      for (const queue of open) queue.fail(clientClosed());
      clearTimeout(unanswered);
      void socket.dispose();
    },
  };
}

function subscribe(socket: Socket, request: StreamRequest): ResultQueue {
  const queue = new ResultQueue(request.resumable ? mostBuffered : Infinity);
  const unsubscribe = socket.subscribe(
    {
      query: request.query,
      variables: { ...request.variables },
      ...(request.operationName !== null && { operationName: request.operationName }),
    },
    {
      next: (result) => queue.push(result as RawResult),
      error: (error) => queue.fail(Array.isArray(error) ? apiError(error) : lost(error)),
      complete: () => queue.end(),
    },
  );
  queue.onDispose(unsubscribe);
  return queue;
}

function lost(event: unknown): ConnectionError {
  const code = closeCodeOf(event);
  if (code === null) {
    return new ConnectionError('The server cannot be reached by WebSocket.', { cause: event });
  }
  const { reason } = record(event);
  const words = typeof reason === 'string' && reason !== '' ? ` (${reason})` : '';
  return new ConnectionError(`The WebSocket was closed with ${code}${words}.`, {
    closeCode: code,
    retryable: !final.has(code),
  });
}

function closeCodeOf(event: unknown): number | null {
  const { code } = record(event);
  return typeof code === 'number' ? code : null;
}
