import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApolloServer, HeaderMap } from '@apollo/server';
import type { GraphQLError } from 'graphql';
import { WebSocketServer } from 'ws';
import type { ContextFor, Incoming } from './executor.ts';
import { limits } from './limits.ts';
import type { Limits } from './limits.ts';
import { Operations } from './operations.ts';
import { present } from './presentation.ts';
import type { ErrorFor } from './presentation.ts';
import { headersOf, requestIdFrom } from './request-headers.ts';
import { SchemaExecutor } from './schema-executor.ts';
import { servedSchema } from './served-schema.ts';
import type { Subgraph } from './subgraph.ts';
import { traced } from './tracing.ts';
import { WebSockets } from './websocket.ts';

export interface SubgraphServerOptions<C extends object> {
  readonly subgraph: Subgraph;
  readonly contextFor: ContextFor<C>;
  readonly errorFor: ErrorFor;
  readonly newRequestId: () => string;
  /** Default 127.0.0.1: whoever reaches a subgraph can ask for any entity by its key. */
  readonly host?: string;
  /** 0 for any. */
  readonly port: number;
  /** Asked by `/healthz` (and `/health`) and `/readyz`; default: always well. */
  readonly isHealthy?: () => Promise<boolean>;
  /** What else these say; default: nothing. */
  readonly about?: () => object;
  /** Answers `/metrics`; default: there is no such page. */
  readonly metrics?: () => Promise<{ readonly type: string; readonly text: string }>;
}

export interface SubgraphServer {
  /** `http://host:port/graphql`; the WebSocket is at the same address. */
  readonly url: string;
  /** Refuses new work, ends sockets with 1001, lets requests in flight finish. */
  close(): Promise<void>;
}

interface ApolloContext {
  readonly incoming: Incoming;
  /** Why there is no context; nothing is executed then. */
  readonly refusal?: GraphQLError;
}

const PATH = '/graphql';

/** One subgraph as a process of its own: @apollo/server for queries and mutations, graphql-transport-ws beside it. */
export async function serveSubgraph<C extends object>(
  options: SubgraphServerOptions<C>,
): Promise<SubgraphServer> {
  const { subgraph, contextFor, errorFor, newRequestId, host = '127.0.0.1' } = options;
  const schema = servedSchema(subgraph);
  const apollo = new ApolloServer<C & ApolloContext>({
    schema,
    introspection: false,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    logger: SILENT,
    plugins: [
      {
        async requestDidStart() {
          return {
            // Thrown by the context function it would reach the caller with a preface of the library's.
            async responseForOperation({ contextValue: { refusal } }) {
              if (refusal === undefined) return null;
              const singleResult = { errors: [refusal.toJSON()] };
              return { http: { headers: new HeaderMap() }, body: { kind: 'single', singleResult } };
            },
            async willSendResponse({ response, contextValue, errors }) {
              if (response.body.kind !== 'single' || errors === undefined) return;
              const { requestId } = contextValue.incoming;
              response.body.singleResult.errors = errors.map((it) =>
                present(it, { errorFor, requestId }).toJSON(),
              );
            },
          };
        },
      },
    ],
  });
  await apollo.start();
  const sockets = new WebSockets({
    operations: new Operations({
      executor: new SchemaExecutor({ schema, contextFor, errorFor }),
      errorFor,
      introspection: false,
      // The gateway has judged what its callers ask; what it asks itself is its own affair.
      limits: SUBGRAPH_LIMITS,
    }),
    schema,
    limits: SUBGRAPH_LIMITS,
    tellsPositions: true,
    // A gateway opens one socket for one subscription.
    requestIdFor: (headers) => requestIdFrom(headers, newRequestId),
  });
  const upgrades = new WebSocketServer({
    noServer: true,
    maxPayload: SUBGRAPH_LIMITS.bodyBytes,
    perMessageDeflate: false,
    handleProtocols: (protocols) =>
      protocols.has('graphql-transport-ws') ? 'graphql-transport-ws' : false,
  });
  let isStopping = false;
  const server = createServer((request, response) => {
    void handle(request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Browsers have no business here.
    if (request.url !== PATH || request.headers.origin !== undefined) {
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
      return;
    }
    upgrades.handleUpgrade(request, socket, head, (upgraded) => {
      upgraded.on('error', () => {
        upgraded.terminate();
      });
      sockets.accept(upgraded, request);
    });
  });
  await listen(server, options.port, host);
  const { port } = server.address() as AddressInfo;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${PATH}`, close };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
    });
    try {
      const { pathname, search } = new URL(request.url ?? '/', 'http://subgraph');
      if (pathname === '/healthz' || pathname === '/health') {
        await health(response);
        return;
      }
      if (pathname === '/readyz') {
        const ready = !isStopping && (await isWell());
        const status = isStopping ? 'stopping' : ready ? 'ready' : 'not ready';
        say(response, ready, { status });
        return;
      }
      if (pathname === '/metrics' && options.metrics !== undefined) {
        const { type, text } = await options.metrics();
        response.writeHead(200, { 'content-type': type }).end(text);
        return;
      }
      if (pathname !== PATH) {
        response.writeHead(404).end();
        return;
      }
      const requestId = requestIdFrom(request.headers, newRequestId);
      const body = await bodyOf(request, SUBGRAPH_LIMITS.bodyBytes);
      const headers = new HeaderMap();
      for (const [name, value] of Object.entries(headersOf(request.headers))) {
        if (value !== undefined) headers.set(name, value);
      }
      const span = traced({ headers: headersOf(request.headers), requestId });
      const context = async (): Promise<C & ApolloContext> => {
        const incoming: Incoming = {
          kind: 'query',
          headers: span.headers,
          requestId,
          signal: gone.signal,
        };
        try {
          return Object.assign(await contextFor(incoming), { incoming });
        } catch (error) {
          return { incoming, refusal: present(error, { errorFor, requestId }) } as C &
            ApolloContext;
        }
      };
      const httpGraphQLRequest = { method: request.method ?? '', headers, search, body };
      const result = await span.within(() =>
        apollo.executeHTTPGraphQLRequest({ httpGraphQLRequest, context }),
      );
      span.end('OK');
      for (const [name, value] of result.headers) response.setHeader(name, value);
      response.setHeader('x-request-id', requestId);
      response.statusCode = result.status ?? 200;
      response.end(result.body.kind === 'complete' ? result.body.string : '');
    } catch (error) {
      response.statusCode = error instanceof TooLarge ? 413 : 400;
      response.end();
    }
  }

  async function isWell(): Promise<boolean> {
    return (await options.isHealthy?.().catch(() => false)) ?? true;
  }

  async function health(response: ServerResponse): Promise<void> {
    const ok = await isWell();
    const status = ok ? 'ok' : 'failing';
    say(response, ok, { status, subgraph: subgraph.name, ...options.about?.() });
  }

  function say(response: ServerResponse, isGood: boolean, body: object): void {
    response.writeHead(isGood ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async function close(): Promise<void> {
    isStopping = true;
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    server.closeIdleConnections();
    await sockets.close(GRACE_MS);
    upgrades.close();
    const cut = setTimeout(() => {
      server.closeAllConnections();
    }, GRACE_MS);
    await closed;
    clearTimeout(cut);
    await apollo.stop();
  }
}

const GRACE_MS = 5_000;

const SUBGRAPH_LIMITS: Limits = Object.freeze({
  ...limits,
  bodyBytes: 16_777_216,
  tokens: 100_000,
  depth: 100,
  aliases: 10_000,
  directives: 10_000,
  rootFields: 10_000,
  selections: 1_000_000,
  nodes: Number.POSITIVE_INFINITY,
  operationsPerSocket: 1_000,
});

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

class TooLarge extends Error {}

async function bodyOf(request: IncomingMessage, most: number): Promise<unknown> {
  if (request.method !== 'POST') return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > most) throw new TooLarge();
    chunks.push(chunk as Buffer);
  }
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(port, host, () => {
    server.off('error', reject);
    resolve();
  });
  await promise;
}
