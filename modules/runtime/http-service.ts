import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { HttpError } from './http-error.ts';

/** What a handler sees of a request: an `IncomingMessage` is one, and so is a call that came without a socket. */
export interface Message extends AsyncIterable<Uint8Array> {
  readonly method?: string | undefined;
  /** Path and query. */
  readonly url?: string | undefined;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
}

/** A whole answer; names of headers in lower case. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null for an answer without a body. */
  readonly body: string | null;
}

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
  readonly message: Message;
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
    // The client went away: nobody is left to answer, and nothing is wrong here.
    const logUnlessGone = (text: string): void => (response.destroyed ? undefined : log(text));
    void respond(routes, request, logUnlessGone).then((reply) => send(request, response, reply));
  });
  // Longer than the idle time of the clients' connection pools, so that they never write into a
  // connection that closes.
  server.keepAliveTimeout = 75_000;
  return server;
}

/** What the server above would answer. Never rejects: an unexpected failure is logged and becomes 500. */
export async function respond(
  routes: Routes,
  message: Message,
  log: (text: string) => void,
): Promise<Reply> {
  try {
    return replyOf(await answer(routes, message));
  } catch (error) {
    if (error instanceof HttpError) return errorReply(error);
    const failure = error instanceof Error ? error : new Error(String(error));
    log(failure.stack ?? failure.message);
    return errorReply(HttpError.text(500, failure.message));
  }
}

async function answer(routes: Routes, message: Message): Promise<Answer> {
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

function replyOf(value: Answer): Reply {
  if (value === null) return { status: 204, headers: {}, body: null };
  const { contentType, body } =
    value instanceof Text
      ? value
      : new Text('application/json; charset=utf-8', JSON.stringify(value));
  return { status: 200, headers: { 'content-type': contentType }, body };
}

function errorReply({ status, contentType, body, headers, close }: HttpError): Reply {
  const more = close ? { connection: 'close' } : {};
  return { status, headers: { 'content-type': contentType, ...more, ...headers }, body };
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const { status, headers, body } = reply;
  const length = body === null ? {} : { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length }).end(body);
  // The rest of a body that was refused: taken off the wire unread, so that the client gets to see
  // the answer.
  request.resume();
}
