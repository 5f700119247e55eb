import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as overHttp,
  type RequestOptions,
} from 'node:http';
import { Agent as HttpsAgent, request as overHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { proxyAuthorization, proxyFor, TunnelAgent } from './proxy.ts';

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** With a stream, `content-length` is among the headers. */
  readonly body?: Uint8Array | Readable;
  /** Takes the body of a good answer as it comes; otherwise it is gathered. */
  readonly into?: (answer: IncomingMessage) => Promise<void>;
  /** Whether a good answer is the platform's own, as against a portal's on the way. */
  readonly isOurs: (headers: IncomingMessage['headers']) => boolean;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** The platform did not answer, or somebody on the way did: the same may succeed later. */
export class AwayError extends Error {
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null = null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The platform's own no. */
export class RefusedError extends Error {
  readonly code: string;
  readonly headers: IncomingMessage['headers'];

  constructor(code: string, message: string, headers: IncomingMessage['headers']) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

const silenceMs = 60_000;
const longestAnswer = 64 * 1024 * 1024;
const httpAgent = new HttpAgent({ keepAlive: true });
const httpsAgent = new HttpsAgent({ keepAlive: true });
const tunnels = new Map<string, TunnelAgent>();
const passing = new Set([
  'OVERLOADED',
  'SHUTTING_DOWN',
  'DEADLINE_EXCEEDED',
  'STORAGE_FULL',
  'INTERNAL',
]);

/** One request. Rejects with AwayError or RefusedError. */
export async function exchange(request: Request): Promise<Answer> {
  const answer = await sent(request);
  const status = answer.statusCode ?? 0;
  const isGood = status >= 200 && status < 300;
  try {
    if (isGood && !request.isOurs(answer.headers)) {
      answer.destroy();
      throw new AwayError('Somebody else answered.');
    }
    if (isGood && request.into !== undefined) {
      await request.into(answer);
      return { status, headers: answer.headers, text: '' };
    }
    const text = await gathered(answer);
    if (isGood) return { status, headers: answer.headers, text };
    throw refusal(answer, text);
  } catch (error) {
    if (error instanceof RefusedError || !isNetwork(error)) throw error;
    throw new AwayError(messageOf(error));
  }
}

async function sent(request: Request): Promise<IncomingMessage> {
  const { body, method, url, headers, signal } = request;
  const length = body instanceof Uint8Array ? { 'content-length': body.length } : {};
  const call = calling(
    new URL(url),
    { ...headers, ...length },
    { method, ...(signal === undefined ? {} : { signal }) },
  );
  call.setTimeout(silenceMs, () => call.destroy(new AwayError('It was silent for a minute.')));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve);
    call.once('error', reject);
  });
  // An early refusal ends the connection under a body that is still being sent.
  call.on('error', () => {});
  if (body === undefined || body instanceof Uint8Array) call.end(body);
  else pipeline(body, call).catch(() => {});
  try {
    return await answered;
  } catch (error) {
    throw error instanceof AwayError ? error : new AwayError(messageOf(error));
  }
}

/** Straight, or by way of the proxy that the site wants used. */
function calling(
  url: URL,
  headers: NonNullable<Request['headers']>,
  options: RequestOptions,
): ClientRequest {
  const proxy = proxyFor(url, process.env);
  if (url.protocol === 'https:') {
    const agent = proxy === null ? httpsAgent : tunnelThrough(proxy);
    return overHttps(url, { ...options, headers, agent });
  }
  if (proxy === null) return overHttp(url, { ...options, headers, agent: httpAgent });
  const all = { ...headers, host: url.host, ...proxyAuthorization(proxy) };
  return overHttp(proxy, { ...options, headers: all, path: url.href, agent: httpAgent });
}

function tunnelThrough(proxy: URL): TunnelAgent {
  const known = tunnels.get(proxy.href) ?? new TunnelAgent(proxy);
  tunnels.set(proxy.href, known);
  return known;
}

async function gathered(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    if (bytes > longestAnswer) throw new AwayError('The answer is longer than any of ours.');
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Only the platform itself says `fathom-code`; anything else was said by a proxy, which may be away from it. */
function refusal(answer: IncomingMessage, text: string): AwayError | RefusedError {
  const code = answer.headers['fathom-code'];
  const seconds = Number(answer.headers['retry-after']);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : null;
  if (typeof code !== 'string' || passing.has(code)) {
    return new AwayError(`The answer was ${answer.statusCode ?? 'nothing'}.`, wait);
  }
  return new RefusedError(code, messageIn(text) ?? `It was refused: ${code}.`, answer.headers);
}

function messageIn(text: string): string | null {
  try {
    const value = JSON.parse(text) as { message?: unknown };
    return typeof value.message === 'string' ? value.message : null;
  } catch {
    return null;
  }
}

/** What went wrong while bytes travelled, as against on our own disk. */
function isNetwork(error: unknown): boolean {
  if (error instanceof AwayError) return true;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  return /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_|ENOTFOUND|ERR_STREAM|HPE_|ABORT_ERR)/.test(code);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
