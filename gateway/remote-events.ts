import type { ExecutionResult } from 'graphql';
import { createClient } from 'graphql-ws';
import type { SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import { eventStream } from './event-stream.ts';
import type { ResultStream } from './executor.ts';

export interface RemoteEventsOptions {
  readonly url: string;
  readonly payload: SubscribePayload;
  readonly headers: Readonly<Record<string, string>>;
  readonly resultFrom: (value: unknown) => ExecutionResult;
  /** What the reader is told when the connection is lost; their client resumes from its cursor. */
  readonly failed: (cause: unknown) => ExecutionResult;
}

const FULL = 32;
const LOW = 8;

/**
 * One subscription on one socket of its own, so that a slow reader can stop it: when events pile up here the socket is no
 * longer read, and the subgraph stops pulling from its source. A shared socket would stop every other reader, too.
 */
export function remoteEvents(options: RemoteEventsOptions): ResultStream {
  const { url, payload, headers, resultFrom, failed } = options;
  const queue: ExecutionResult[] = [];
  let socket: WebSocket | undefined;
  let ended = false;
  let wake = Promise.withResolvers<void>();
  const notify = (): void => {
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const put = (result: ExecutionResult): void => {
    queue.push(result);
    if (queue.length >= FULL) socket?.pause();
    notify();
  };
  const end = (): void => {
    ended = true;
    notify();
  };

  const opened = (own: WebSocket): void => {
    socket = own;
  };

  class OwnSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols, { headers: { ...headers }, perMessageDeflate: false });
      opened(this);
    }
  }
  const client = createClient({
    url,
    webSocketImpl: OwnSocket,
    lazy: true,
    lazyCloseTimeout: 0,
    retryAttempts: 0,
    onNonLazyError: () => undefined,
  });
  const unsubscribe = client.subscribe(payload, {
    next: (value) => {
      put(resultFrom(value));
    },
    error: (cause) => {
      put(Array.isArray(cause) ? resultFrom({ errors: cause }) : failed(cause));
      end();
    },
    complete: end,
  });

  async function* read(): AsyncGenerator<ExecutionResult, void, void> {
    for (;;) {
      const result = queue.shift();
      if (result !== undefined) {
        if (queue.length <= LOW) socket?.resume();
        yield result;
      } else if (ended) return;
      else await wake.promise;
    }
  }

  const reading = read();
  return eventStream(
    {
      [Symbol.asyncIterator]: () => ({
        next: () => reading.next(),
        async return() {
          end();
          socket?.resume();
          unsubscribe();
          await client.dispose();
          return { done: true as const, value: undefined };
        },
      }),
    },
    async (event) => event as ExecutionResult,
    failed,
  );
}
