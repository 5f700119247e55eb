import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HttpError } from './http-error.ts';

/** What a route answers: an object becomes JSON, a `Text` goes out as it is, null is 204. */
export type Answer = object | Text | null;

export class Text {
  readonly contentType: string;
  readonly body: string;
  constructor(contentType: string, body: string) {
    this.contentType = contentType;
    this.body = body;
  }
}

export interface RouteRequest {
  readonly message: IncomingMessage;
  readonly query: URLSearchParams;
  /** The last segment of a path that ends in `{}`. */
  readonly item: string;
}

type Handler = (request: RouteRequest) => Promise<Answer> | Answer;

/** Handlers by path, then by method. A path may end in `{}`, which stands for one segment. */
export type Routes = Readonly<Record<string, Readonly<Record<string, Handler>>>>;

/** An HTTP server over a table of routes. `log` gets one text for every unexpected failure. */
export function createService(routes: Routes, log: (text: string) => void): Server {
  const server = createServer((request, response) => {
    answer(routes, request)
      .then((value) => send(response, value))
      .catch((error: unknown) => {
        if (error instanceof HttpError) return sendError(request, response, error);
        // The client went away: nobody is left to answer, and nothing is wrong here.
        if (response.destroyed) return;
        const failure = error instanceof Error ? error : new Error(String(error));
        log(failure.stack ?? failure.message);
        sendError(request, response, HttpError.text(500, failure.message));
      });
  });
  // Longer than the idle time of the clients' connection pools, so that they never write into a
  // connection that closes.
  server.keepAliveTimeout = 75_000;
  return server;
}

async function answer(routes: Routes, message: IncomingMessage): Promise<Answer> {
  const [path = '/', ...rest] = (message.url ?? '/').split('?');
  const search = rest.join('?');
  const found = find(routes, path);
  if (!found) {
    if (!path.endsWith('/') && Object.hasOwn(routes, `${path}/`)) {
      throw HttpError.redirect(308, `${path}/${search === '' ? '' : `?${search}`}`);
    }
    throw HttpError.text(404, 'Not Found');
  }
  const { methods, item } = found;
  const method = message.method ?? 'GET';
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (!handler) throw HttpError.methodNotAllowed(Object.keys(methods));
  return handler({ message, query: new URLSearchParams(search), item });
}

function find(
  routes: Routes,
  path: string,
): { readonly methods: Readonly<Record<string, Handler>>; readonly item: string } | null {
  const methods = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (methods) return { methods, item: '' };
  const slash = path.lastIndexOf('/') + 1;
  const pattern = `${path.slice(0, slash)}{}`;
  const collection = Object.hasOwn(routes, pattern) ? routes[pattern] : undefined;
  return collection && slash < path.length
    ? { methods: collection, item: path.slice(slash) }
    : null;
}

function send(response: ServerResponse, value: Answer): void {
  if (value === null) {
    response.writeHead(204).end();
    return;
  }
  const text =
    value instanceof Text
      ? value
      : new Text('application/json; charset=utf-8', JSON.stringify(value));
  response
    .writeHead(200, {
      'content-type': text.contentType,
      'content-length': Buffer.byteLength(text.body),
    })
    .end(text.body);
}

function sendError(request: IncomingMessage, response: ServerResponse, error: HttpError): void {
  if (response.headersSent || response.destroyed) return;
  response
    .writeHead(error.status, {
      'content-type': error.contentType,
      'content-length': Buffer.byteLength(error.body),
      ...(error.close ? { connection: 'close' } : {}),
      ...error.headers,
    })
    .end(error.body);
  // The rest of a body that was refused: taken off the wire unread, so that the client gets to see
  // the answer.
  request.resume();
}
