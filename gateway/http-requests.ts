import type { FastifyReply, FastifyRequest } from 'fastify';
import { createHandler, parseRequestParams } from 'graphql-http';
import type { Handler, Response } from 'graphql-http';
import type { Operations } from './operations.ts';
import { GatewayError } from './presentation.ts';
import { headersOf } from './request-headers.ts';

interface HttpContext {
  readonly requestId: string;
  readonly signal: AbortSignal;
}

export type HttpHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** GraphQL over HTTP: graphql-http decides media types and status codes, the operations decide everything else. */
export function httpHandler(operations: Operations): HttpHandler {
  const handle: Handler<FastifyRequest, HttpContext> = createHandler<FastifyRequest, HttpContext>({
    parseRequestParams,
    formatError: (error) => error,
    async onSubscribe(request, params) {
      const outcome = await operations.run({
        ...params,
        headers: headersOf(request.raw.headers),
        ...request.context,
        allowed: request.method === 'GET' ? ['query'] : ['query', 'mutation'],
      });
      switch (outcome.kind) {
        case 'result':
          return outcome.result;
        case 'refused':
          if (outcome.status === 400) return outcome.errors;
          return refusedWith(
            outcome.status,
            outcome.errors,
            mediaTypeOf(request.raw.headers.accept),
          );
        case 'stream':
          await outcome.stream.return();
          return [];
      }
    },
  });

  return async (request, reply) => {
    const gone = new AbortController();
    const onClose = (): void => {
      gone.abort();
    };
    reply.raw.once('close', onClose);
    const [body, init] = await handle({
      method: request.method,
      url: request.url,
      headers: request.headers,
      body: () => request.body as Record<string, unknown> | string | null,
      raw: request,
      context: { requestId: request.id, signal: gone.signal },
    });
    reply.raw.off('close', onClose);
    await reply
      .code(init.status)
      .headers(init.headers ?? { 'content-type': mediaTypeOf(request.headers.accept) })
      .send(withIdentity(body, init.status, operations, request.id));
  };
}

function refusedWith(status: number, errors: readonly unknown[], mediaType: string): Response {
  return [
    JSON.stringify({ errors }),
    {
      status,
      statusText: '',
      headers: {
        'content-type': mediaType,
        ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        ...(status === 405 ? { allow: 'POST' } : {}),
      },
    },
  ];
}

export function mediaTypeOf(accept: string | undefined): string {
  const isNew = accept?.includes('application/graphql-response+json') ?? false;
  return `application/${isNew ? 'graphql-response+json' : 'json'}; charset=utf-8`;
}

/** graphql-http's own refusals (no query, malformed JSON, another media type) are given the extensions that every error of ours has. */
function withIdentity(
  body: string | null,
  status: number,
  operations: Operations,
  requestId: string,
): string | null {
  if (status === 415) {
    const errors = operations.refuse(notJson(), requestId);
    return JSON.stringify({ errors });
  }
  if (status !== 400 || body === null || body.includes('"requestId"')) return body;
  const { errors } = JSON.parse(body) as { errors?: { message: string }[] };
  const typed = (errors ?? []).flatMap((it) =>
    operations.refuse(new GatewayError('BAD_REQUEST', it.message), requestId),
  );
  return JSON.stringify({ errors: typed });
}

function notJson(): GatewayError {
  return new GatewayError('BAD_REQUEST', 'The body must be application/json.');
}
