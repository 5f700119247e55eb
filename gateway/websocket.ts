import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'graphql';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { makeServer } from 'graphql-ws';
import type { ConnectionInitMessage, Server, SubscribePayload } from 'graphql-ws';
import type { WebSocket } from 'ws';
import { gated } from './event-stream.ts';
import type { Incoming, ResultStream } from './executor.ts';
import type { Limits } from './limits.ts';
import type { Operations, Outcome } from './operations.ts';
import { TELL_POSITIONS, tellsPositions, withPosition } from './positions.ts';
import { GatewayError } from './presentation.ts';
import { headersOf } from './request-headers.ts';
import { WrittenPayloads } from './written-once.ts';

export interface WebSocketOptions {
  readonly operations: Operations;
  readonly schema: ExecutionArgs['schema'];
  readonly limits: Limits;
  /** Names one operation of a socket that was opened with these headers. */
  readonly requestIdFor: (headers: Incoming['headers']) => string;
  /** Called at `connection_init`; a rejection closes the socket with 4403. */
  readonly admit?: (incoming: Incoming) => Promise<void>;
  /** Whether those who ask for it at `connection_init` are told where events stand: gateways, not clients. Default false. */
  readonly tellsPositions?: boolean;
}

const DELIVERY = parse('subscription { delivered }');

interface Extra {
  readonly socket: WebSocket;
  readonly request: IncomingMessage;
  readonly gone: AbortController;
  readonly payloads: WrittenPayloads;
  headers: Incoming['headers'];
  isToldPositions: boolean;
}

/** graphql-transport-ws on sockets that were upgraded elsewhere. */
export class WebSockets {
  readonly #options: WebSocketOptions;
  readonly #server: Server<Extra>;
  readonly #open = new Set<WebSocket>();

  constructor(options: WebSocketOptions) {
    this.#options = options;
    const { limits, schema } = options;
    this.#server = makeServer<ConnectionInitMessage['payload'], Extra>({
      connectionInitWaitTimeout: limits.connectionInitMs,
      // An own `__proto__` key in a message would change what later copies of the object inherit.
      jsonMessageReviver: (key, value: unknown) => {
        if (key === '__proto__') throw new SyntaxError('__proto__ is not a key');
        return value;
      },
      onConnect: async ({ connectionParams, extra }) => {
        extra.headers = { ...extra.headers, ...authorizationIn(connectionParams) };
        extra.isToldPositions = options.tellsPositions === true && tellsPositions(connectionParams);
        const isAdmitted = await this.#isAdmitted(extra);
        return isAdmitted && extra.isToldPositions ? TELL_POSITIONS : isAdmitted;
      },
      onSubscribe: async ({ extra, subscriptions }, _id, payload) => {
        const requestId = options.requestIdFor(extra.headers);
        if (Object.keys(subscriptions).length > limits.operationsPerSocket) {
          const refusal = tooMany(limits.operationsPerSocket);
          return [...options.operations.refuse(refusal, requestId)];
        }
        const outcome = await this.#run(extra, payload, requestId);
        if (outcome.kind === 'refused') return [...outcome.errors];
        // The operation has been run; the library only delivers, and asks for no more than a subscription's document.
        const rootValue = streamOf(outcome, extra.socket, limits);
        return { schema, document: DELIVERY, rootValue, contextValue: undefined };
      },
      subscribe: (args) => args.rootValue as ResultStream | ExecutionResult,
      onNext: ({ extra }, _id, _payload, _args, made) => {
        const result = made as ExecutionResult;
        const told = extra.isToldPositions ? withPosition(result) : result;
        return told.errors === undefined || told !== result
          ? extra.payloads.payload(told)
          : undefined;
      },
    });
  }

  get size(): number {
    return this.#open.size;
  }

  accept(socket: WebSocket, request: IncomingMessage): void {
    if (this.#open.size >= this.#options.limits.sockets) {
      socket.close(1013, 'Try again later');
      return;
    }
    this.#open.add(socket);
    const { unsentBytes, pingMs } = this.#options.limits;
    const extra: Extra = {
      socket,
      request,
      gone: new AbortController(),
      payloads: new WrittenPayloads(),
      headers: headersOf(request.headers),
      isToldPositions: false,
    };
    const closed = this.#server.opened(
      {
        protocol: socket.protocol,
        send: async (text) => {
          await send(socket, extra.payloads.complete(text), unsentBytes * 16);
        },
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (listener) => {
          socket.on('message', (data: Buffer) => {
            // What a handler throws is a message it cannot read; anything else it has answered itself.
            listener(data.toString('utf8')).catch(() => {
              socket.close(4400, 'Bad request');
            });
          });
        },
      },
      extra,
    );
    const stopPings = keepAlive(socket, pingMs);
    socket.once('close', (code, reason) => {
      this.#open.delete(socket);
      stopPings();
      extra.gone.abort();
      closed(code, String(reason)).catch(() => undefined);
    });
  }

  /** Sockets get 1001 and no `complete`: their clients reconnect and resume. Those that do not answer are cut. */
  async close(graceMs: number): Promise<void> {
    for (const socket of this.#open) socket.close(1001, 'Going away');
    const until = Date.now() + graceMs;
    while (this.#open.size > 0 && Date.now() < until) await delay(10);
    for (const socket of this.#open) socket.terminate();
  }

  async #isAdmitted(extra: Extra): Promise<boolean> {
    const { admit, requestIdFor } = this.#options;
    try {
      await admit?.({
        kind: 'subscription',
        headers: extra.headers,
        requestId: requestIdFor(extra.headers),
        signal: extra.gone.signal,
      });
      return true;
    } catch {
      return false;
    }
  }

  async #run(extra: Extra, payload: SubscribePayload, requestId: string): Promise<Outcome> {
    return await this.#options.operations.run({
      query: payload.query,
      operationName: payload.operationName,
      variables: payload.variables,
      headers: extra.headers,
      requestId,
      signal: extra.gone.signal,
      allowed: ['query', 'mutation', 'subscription'],
    });
  }
}

function streamOf(
  outcome: Outcome,
  socket: WebSocket,
  limits: Limits,
): ResultStream | ExecutionResult {
  if (outcome.kind === 'refused') return { errors: outcome.errors };
  if (outcome.kind === 'result') return outcome.result;
  const { stream } = outcome;
  return gated(endingInError(stream), async () => {
    // A reader that does not read stops the pulling; its place is kept by the source's cursor, not by memory of ours.
    while (socket.bufferedAmount > limits.unsentBytes && socket.readyState === socket.OPEN) {
      await delay(20);
    }
  });
}

/** A result without data is the end of its stream; thrown, it becomes the protocol's `error` message on that id. */
function endingInError(stream: ResultStream): ResultStream {
  return {
    ...stream,
    async next() {
      const next = await stream.next();
      if (next.done === true || 'data' in next.value) return next;
      await stream.return();
      throw next.value.errors?.[0] ?? new Error('The stream ended without a reason.');
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** Resolves when the kernel has taken the bytes, so each operation has at most one message waiting here. */
async function send(socket: WebSocket, text: string, most: number): Promise<void> {
  if (socket.readyState !== socket.OPEN) return;
  // Only answers to a flood of pings or of short operations get here without having been pulled.
  if (socket.bufferedAmount > most) {
    socket.terminate();
    return;
  }
  const sent = Promise.withResolvers<void>();
  // An error here is a socket that closes; its own event says so.
  socket.send(text, () => {
    sent.resolve();
  });
  await sent.promise;
}

/** A peer that vanished without a word is found by an unanswered ping. */
function keepAlive(socket: WebSocket, everyMs: number): () => void {
  let answered = true;
  socket.on('pong', () => {
    answered = true;
  });
  const timer = setInterval(() => {
    if (!answered) {
      socket.terminate();
      return;
    }
    answered = false;
    socket.ping();
  }, everyMs);
  return () => {
    clearInterval(timer);
  };
}

/** Browsers cannot set headers on a WebSocket; the first message carries the credential instead. */
function authorizationIn(params: Record<string, unknown> | undefined): Record<string, string> {
  const given = params?.['authorization'] ?? params?.['Authorization'];
  return typeof given === 'string' ? { authorization: given } : {};
}

function tooMany(most: number): GatewayError {
  return new GatewayError(
    'QUOTA_EXCEEDED',
    `A connection carries at most ${most} operations at once.`,
    { retryable: true },
  );
}
