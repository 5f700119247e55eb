import { isUtf8 } from 'node:buffer';
import fastifyWebsocket from '@fastify/websocket';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { answerByEvents } from './event-source.ts';
import type { Executor, Incoming } from './executor.ts';
import { explorerPage } from './graphiql.ts';
import type { ExplorerPage, SampleOperation } from './graphiql.ts';
import { guardCrossSite, isAllowedOrigin } from './guards.ts';
import { httpHandler, mediaTypeOf } from './http-requests.ts';
import { limits as defaults } from './limits.ts';
import type { Limits } from './limits.ts';
import { Operations } from './operations.ts';
import { GatewayError } from './presentation.ts';
import type { ErrorFor } from './presentation.ts';
import { headersOf, requestIdFrom } from './request-headers.ts';
import { WebSockets } from './websocket.ts';
import type { Watch } from './watch.ts';

export interface EdgeOptions {
  readonly executor: Executor;
  readonly errorFor: ErrorFor;
  /** Called for every request that brings no usable `x-request-id`. */
  readonly newRequestId: () => string;
  /** Default `/graphql`. */
  readonly path?: string;
  /** `__schema` and `__type`, and names suggested in messages. Default true. */
  readonly introspection?: boolean;
  /** GraphiQL for browsers at the same path, with these tabs. Absent: no explorer. */
  readonly explorer?: { readonly samples: readonly SampleOperation[] };
  /** Origins of other sites' pages that may call, for instance `https://portal.example.org`. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Called at a WebSocket's `connection_init`; a rejection closes it with 4403. */
  readonly admit?: (incoming: Incoming) => Promise<void>;
  readonly limits?: Partial<Limits>;
  readonly watch?: Watch;
}

export interface Edge {
  readonly limits: Limits;
  /** Ends WebSockets (1001) and event streams so that clients resume elsewhere; called when the server closes, too. */
  drain(graceMs?: number): Promise<void>;
  /** Serves another graph from now on; what is under way ends on the one it began with, which is closed afterwards. */
  replace(executor: Executor): void;
}

/**
 * One route, three transports: HTTP (graphql-http), WebSocket (graphql-transport-ws) and server-sent events, and for a
 * browser that asks for HTML the explorer. Register it before `listen`; nothing else of the app needs to know GraphQL.
 */
export async function registerEdge(app: FastifyInstance, options: EdgeOptions): Promise<Edge> {
  const limits: Limits = Object.freeze({ ...defaults, ...options.limits });
  const { executor, errorFor, newRequestId } = options;
  const allowedOrigins = options.allowedOrigins ?? [];
  const operations = new Operations({
    executor,
    errorFor,
    introspection: options.introspection ?? true,
    limits,
    ...(options.watch === undefined ? {} : { watch: options.watch }),
  });
  const sockets = new WebSockets({
    operations,
    schema: executor.schema,
    limits,
    requestIdFor: newRequestId,
    ...(options.admit === undefined ? {} : { admit: options.admit }),
  });
  const streams = new Set<AbortController>();
  const path = options.path ?? '/graphql';
  const overHttp = httpHandler(operations);
  const samples = options.explorer?.samples;
  let page: Promise<ExplorerPage> | undefined;

  await app.register(fastifyWebsocket, {
    options: {
      maxPayload: limits.bodyBytes,
      perMessageDeflate: false,
      handleProtocols: (protocols: Set<string>) =>
        protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false,
    },
    // A socket's own errors (a peer that vanished, a message that is too large) end that socket and nothing else.
    errorHandler: (_error, socket) => {
      socket.terminate();
    },
    preClose: (done) => {
      void drain(defaultGraceMs).then(() => {
        done();
      });
    },
  });

  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    // Fastify's own parser refuses `__proto__` and `constructor.prototype` keys, and would mend bytes that are no UTF-8.
    const parseJson = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer' },
      (request, body: Buffer, done) => {
        if (isUtf8(body)) void parseJson(request, body.toString('utf8'), done);
        else done(new GatewayError('BAD_REQUEST', 'The body is not UTF-8.'));
      },
    );
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
      done(null, body);
    });
    scope.setErrorHandler((error, request, reply) => replyRefusal(error, request, reply));
    scope.addHook('onRequest', async (request, reply) => {
      const headers = headersOf(request.headers);
      request.id = requestIdFrom(request.headers, newRequestId);
      void reply.header('x-request-id', request.id);
      if (request.ws) {
        if (isAllowedOrigin(headers, allowedOrigins)) return;
        throw new GatewayError('FORBIDDEN', 'Requests from this origin are not allowed.', {
          status: 403,
        });
      }
      allowOrigin(headers['origin'], reply);
    });
    scope.route({
      method: 'GET',
      url: path,
      handler: async (request, reply) => {
        if (samples !== undefined && wantsPage(request)) return await sendPage(request, reply);
        return await handle(request, reply);
      },
      wsHandler: (socket, request) => {
        sockets.accept(socket, request.raw);
      },
    });
    scope.route({ method: 'POST', url: path, bodyLimit: limits.bodyBytes, handler: handle });
    scope.route({
      method: 'OPTIONS',
      url: path,
      handler: async (_request, reply) => await reply.code(204).header('allow', 'GET, POST').send(),
    });
    scope.route({
      method: ['PUT', 'PATCH', 'DELETE'],
      url: path,
      handler: async (_request, reply) => await reply.code(405).header('allow', 'GET, POST').send(),
    });
  });

  return { limits, drain, replace: (graph) => operations.replace(graph) };

  async function handle(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    guardCrossSite(request.method, headersOf(request.headers), allowedOrigins);
    if (wantsEvents(request)) await sendEvents(request, reply);
    else await overHttp(request, reply);
  }

  /** A client that takes both gets events only for what needs them. */
  function wantsEvents(request: FastifyRequest): boolean {
    if (!accepts(request, 'text/event-stream')) return false;
    if (!accepts(request, 'application/json', 'application/graphql-response+json')) return true;
    const { query, operationName } = parametersOf(request);
    return operations.kindOf(query, operationName) === 'subscription';
  }

  async function sendEvents(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (sockets.size + streams.size >= limits.sockets) throw overloaded();
    const gone = new AbortController();
    streams.add(gone);
    reply.raw.once('close', () => {
      streams.delete(gone);
      gone.abort();
    });
    const outcome = await operations.run({
      ...parametersOf(request),
      headers: headersOf(request.headers),
      requestId: request.id,
      signal: gone.signal,
      allowed: request.method === 'GET' ? ['query', 'subscription'] : EVERY_KIND,
    });
    if (outcome.kind === 'stream') {
      const { stream } = outcome;
      // Opening takes a while; a signal that was given by then calls no listener.
      if (gone.signal.aborted) await stream.return();
      else gone.signal.addEventListener('abort', () => void stream.return(), { once: true });
    }
    const headers = reply.getHeaders() as Record<string, string>;
    reply.hijack();
    await answerByEvents(reply.raw, outcome, headers, limits.pingMs, gone.signal);
  }

  async function sendPage(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    page ??= explorerPage(path, samples ?? []);
    const { gzipped, etag, headers } = await page;
    void reply.headers({ ...headers, etag });
    if (request.headers['if-none-match'] === etag) await reply.code(304).send();
    else await reply.send(gzipped);
  }

  async function drain(graceMs = defaultGraceMs): Promise<void> {
    for (const stream of streams) stream.abort();
    await sockets.close(graceMs);
  }

  function allowOrigin(origin: string | undefined, reply: FastifyReply): void {
    if (origin === undefined || !allowedOrigins.includes(origin)) return;
    void reply.headers({
      'access-control-allow-origin': origin,
      'access-control-allow-headers':
        'authorization, content-type, x-request-id, graphql-require-preflight',
      'access-control-allow-methods': 'GET, POST',
      'access-control-expose-headers': 'x-request-id',
      'access-control-max-age': '600',
      vary: 'origin',
    });
  }

  async function replyRefusal(
    error: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const known = error instanceof GatewayError ? error : transportRefusal(error);
    const status = known?.status ?? 500;
    const errors = operations.refuse(known ?? error, request.id);
    await reply
      .code(status)
      .header('content-type', mediaTypeOf(request.headers.accept))
      .send(JSON.stringify({ errors }));
  }
}

const defaultGraceMs = 2_000;
const EVERY_KIND = ['query', 'mutation', 'subscription'] as const;

/** Also with a query in the address: the explorer puts its own there, and a reload must find the explorer again. */
function wantsPage(request: FastifyRequest): boolean {
  return accepts(request, 'text/html');
}

function accepts(request: FastifyRequest, ...types: readonly string[]): boolean {
  const accept = (request.headers.accept ?? '').toLowerCase();
  return types.some((it) => accept.includes(it));
}

function parametersOf(request: FastifyRequest): {
  query: unknown;
  operationName: unknown;
  variables: unknown;
} {
  if (request.method === 'GET') {
    const { query, operationName, variables } = request.query as Record<string, string | undefined>;
    return { query, operationName, variables: parsed(variables) };
  }
  if (!/^application\/json/iu.test(request.headers['content-type'] ?? '')) {
    throw new GatewayError('BAD_REQUEST', 'The body must be application/json.', { status: 415 });
  }
  if (typeof request.body !== 'object' || request.body === null || Array.isArray(request.body)) {
    throw new GatewayError('BAD_REQUEST', 'The body must be a JSON object.');
  }
  const body = request.body as Record<string, unknown>;
  return {
    query: body['query'],
    operationName: body['operationName'],
    variables: body['variables'],
  };
}

function parsed(variables: string | undefined): unknown {
  if (variables === undefined || variables === '') return undefined;
  try {
    return JSON.parse(variables, (key, value: unknown) => {
      if (key === '__proto__') throw new SyntaxError('__proto__ is not a key');
      return value;
    });
  } catch (error) {
    throw new GatewayError('BAD_REQUEST', 'variables must be JSON.', { cause: error });
  }
}

/** Fastify's refusals of bodies, in our words: its own messages name its options. */
function transportRefusal(error: unknown): GatewayError | undefined {
  const status: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined;
  if (status === 413) return new GatewayError('TOO_LARGE', 'The body is too large.', { status });
  if (status === 415) {
    return new GatewayError('BAD_REQUEST', 'The body must be application/json.', { status });
  }
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return new GatewayError('BAD_REQUEST', 'The body is not acceptable JSON.', { status });
  }
  return undefined;
}

function overloaded(): GatewayError {
  return new GatewayError('OVERLOADED', 'Too many open streams.', {
    status: 503,
    retryable: true,
    retryAfterMs: 5_000,
  });
}
