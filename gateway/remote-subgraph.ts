import { GraphQLError, print } from 'graphql';
import type { DocumentNode, ExecutionResult } from 'graphql';
import { Pool } from 'undici';
import { present } from './presentation.ts';
import { place, positionTold } from './positions.ts';
import type { SubgraphFetch, SubgraphLink } from './subgraph-link.ts';
import { remoteEvents } from './remote-events.ts';
import { Upstreams } from './upstreams.ts';
import type { Opened } from './upstreams.ts';
import { inOrder } from './variables.ts';
import type { Incoming } from './executor.ts';
import { GatewayError } from './presentation.ts';
import { tracedCall } from './tracing.ts';

export interface RemoteLinkOptions {
  readonly name: string;
  /** `http(s)://…`; its WebSocket is at the same address. */
  readonly url: string;
  /** Sockets kept to the subgraph for queries and mutations. */
  readonly connections?: number;
  /** Of one fetch, where the operation does not state a longer deadline; its deadline ends it earlier. */
  readonly timeoutMs?: number;
}

/** Headers that belong to the request as a whole, and go with it. */
const FORWARDED = ['authorization', 'traceparent', 'tracestate'] as const;

/** A subgraph in another process, over HTTP and graphql-transport-ws. */
export function remoteLink(options: RemoteLinkOptions): SubgraphLink {
  const { name, url, connections = 32, timeoutMs = 30_000 } = options;
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, {
    connections,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    keepAliveTimeout: 30_000,
  });
  const upstreams = new Upstreams();
  return {
    name,
    async execute({ document, variables, incoming }) {
      const body = JSON.stringify({ query: textOf(document), variables });
      try {
        return await tracedCall(
          `subgraph ${name}`,
          { 'server.address': origin },
          async (carried) => {
            const response = await pool.request({
              path: pathname + search,
              method: 'POST',
              headers: { ...forwardedHeaders(incoming), ...carried },
              body,
              signal: incoming.signal,
              // An operation that states a longer deadline is waited for; its signal ends it.
              headersTimeout: Math.max(timeoutMs, incoming.allowedMs ?? 0),
              bodyTimeout: Math.max(timeoutMs, incoming.allowedMs ?? 0),
            });
            const result: unknown = await response.body.json();
            return resultFrom(result) ?? failed(name, `HTTP ${response.statusCode}`, incoming);
          },
        );
      } catch (error) {
        return failed(name, error, incoming);
      }
    },
    async subscribe({ document, variables, incoming, cursor }) {
      const open = (query: string, values: SubgraphFetch['variables']): Opened =>
        remoteEvents({
          url: url.replace(/^http/u, 'ws'),
          payload: { query, variables: values },
          headers: forwardedHeaders(incoming),
          resultFrom: (value) => eventFrom(value) ?? failed(name, 'a malformed event', incoming),
          failed: (cause) => failed(name, cause, incoming),
        });
      if (cursor === null) {
        const { events } = open(textOf(document), variables);
        return { [Symbol.asyncIterator]: () => events };
      }
      const text = textOf(cursor.document);
      const { after, variablesAt } = cursor;
      // Rights are what the credential gives, and of the caller's headers no other goes to a subgraph that could matter.
      const key = JSON.stringify([
        text,
        inOrder(variablesAt(0)),
        incoming.headers['authorization'] ?? null,
      ]);
      return upstreams.follow(key, after, (from) => open(text, variablesAt(from)));
    },
    async close() {
      await pool.close();
    },
  };
}

const texts = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode): string {
  let text = texts.get(document);
  if (text === undefined) {
    text = print(document);
    texts.set(document, text);
  }
  return text;
}

function forwardedHeaders({ headers, requestId }: Incoming): Record<string, string> {
  const forwarded: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
    'x-request-id': requestId,
  };
  for (const header of FORWARDED) {
    const value = headers[header];
    if (value !== undefined) forwarded[header] = value;
  }
  return forwarded;
}

function eventFrom(value: unknown): ExecutionResult | undefined {
  const result = resultFrom(value);
  return result === undefined ? undefined : place(result, positionTold(Object(value) as object));
}

/** Errors come presented by the subgraph's process; they are taken as they are. */
function resultFrom(value: unknown): ExecutionResult | undefined {
  if (typeof value !== 'object' || value === null || !('data' in value || 'errors' in value)) {
    return undefined;
  }
  const { data, errors } = value as {
    data?: ExecutionResult['data'];
    errors?: readonly RemoteError[];
  };
  const result = data === undefined ? {} : { data };
  if (!Array.isArray(errors)) return result;
  return {
    ...result,
    errors: (errors as readonly RemoteError[]).map(
      (it) =>
        new GraphQLError(it.message ?? 'Unknown error', {
          path: it.path ?? null,
          extensions: it.extensions ?? null,
        }),
    ),
  };
}

interface RemoteError {
  readonly message?: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Record<string, unknown>;
}

function failed(name: string, cause: unknown, { requestId }: Incoming): ExecutionResult {
  const error = new GatewayError(
    'SUBGRAPH_UNAVAILABLE',
    `The subgraph ${name} cannot be reached.`,
    {
      status: 503,
      retryable: true,
      retryAfterMs: 1_000,
      cause,
    },
  );
  return { errors: [present(error, { errorFor: () => error.failure, requestId })] };
}
