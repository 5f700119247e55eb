import { isRecord } from './arguments.ts';
import type { Message, Reply } from './http-service.ts';

/** What an OpenWhisk action answers so that it can be read as an HTTP response, also by a web action. */
export interface ActionResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text: every answer of the API is JSON or plain text. */
  readonly body: string;
}

/** Headers that say how the call came to the platform, and nothing about the call. */
const dropped = new Set([
  'x-client-ip',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-forwarded-host',
  'x-global-transaction-id',
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
]);

/**
 * The request that the arguments of an action stand for: `__ow_method`, `__ow_path` (a query may follow),
 * `__ow_query`, `__ow_headers`, `__ow_body` (text when its type is `text/*`, base64 otherwise). Every other argument
 * is one of the call: in the query of a GET, in a JSON body otherwise. No argument at all is `GET /`.
 * Throws an Error with one sentence for arguments that stand for no request.
 */
export function requestOf(value: Readonly<Record<string, unknown>>): Message {
  const method = textOf(value, '__ow_method', 'get').toUpperCase();
  const headers = headersOf(value['__ow_headers']);
  const [path = '/', ...inPath] = textOf(value, '__ow_path', '/').split('?');
  const query = [...inPath, textOf(value, '__ow_query', '')].filter((part) => part !== '');
  const own = Object.entries(value).filter(([name]) => !name.startsWith('__ow_'));
  let body = bodyOf(value, headers['content-type'] ?? '');
  if (own.length > 0 && method === 'GET') query.push(String(new URLSearchParams(own.map(asText))));
  else if (own.length > 0 && body === null) {
    headers['content-type'] = 'application/json';
    body = Buffer.from(JSON.stringify(Object.fromEntries(own)));
  }
  const search = query.length === 0 ? '' : `?${query.join('&')}`;
  return {
    method,
    url: `/${path}`.replaceAll(/\/\/+/g, '/') + search,
    headers,
    async *[Symbol.asyncIterator]() {
      if (body !== null) yield body;
    },
  };
}

export function resultOf({ status, headers, body }: Reply): ActionResult {
  return { statusCode: status, headers, body: body ?? '' };
}

function headersOf(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value)) throw new Error('__ow_headers is not an object.');
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, text]): [string, string] => [name.toLowerCase(), String(text)])
      .filter(([name]) => !dropped.has(name) && !name.startsWith('__ow')),
  );
}

function bodyOf(value: Readonly<Record<string, unknown>>, contentType: string): Buffer | null {
  const text = value['__ow_body'];
  if (text === undefined || text === null || text === '') return null;
  if (typeof text !== 'string') throw new Error('__ow_body is not a text.');
  return Buffer.from(text, /^\s*text\//i.test(contentType) ? 'utf8' : 'base64');
}

function textOf(value: Readonly<Record<string, unknown>>, name: string, absent: string): string {
  const text = value[name] ?? absent;
  if (typeof text !== 'string') throw new Error(`${name} is not a text.`);
  return text;
}

function asText([name, value]: readonly [string, unknown]): [string, string] {
  return [name, typeof value === 'string' ? value : JSON.stringify(value)];
}
