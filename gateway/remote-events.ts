import type { ExecutionResult } from 'graphql';
import { createClient } from 'graphql-ws';
import type { SubscribePayload } from 'graphql-ws';
import { WebSocket } from 'ws';
import { eventStream } from './event-stream.ts';
import { TELL_POSITIONS, tellsPositions } from './positions.ts';
import type { Opened } from './upstreams.ts';

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
 * One subscription on one socket of its own, so that whoever reads it can stop it: when events pile up here the socket is no
 * longer read, and the subgraph stops pulling from its source. A shared socket would stop every other subscription, too.
 */
export function remoteEvents(options: RemoteEventsOptions): Opened {
  const { url, payload, headers, resultFrom, failed } = options;
  const known = Promise.withResolvers<boolean>();
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
    // An end without an acknowledgement is the same for all who wait for it.
    known.resolve(true);
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
    connectionParams: TELL_POSITIONS,
    onNonLazyError: () => undefined,
    on: {
      connected: (_socket, acknowledged) => {
        known.resolve(tellsPositions(acknowledged));
      },
    },
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
  const events = eventStream(
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
  return { events, isPositioned: known.promise };
}
