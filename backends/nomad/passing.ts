import { connect } from 'node:net';
import { request as send } from 'undici';
import { BackendError } from '../contract/error.ts';
import type { InvokeRequest } from '../contract/service-runner.ts';
import type { Passed, PoolServer } from '../server-pool/server-pool.ts';
import type { Site } from './site.ts';

export interface NomadServer extends PoolServer {
  /** As `http://10.0.0.7:23456`. */
  readonly origin: string;
}

const connectLimitMs = 2000;
/** For so long a connection has to stay: what publishes a container's port takes connections before anything listens inside. */
const stayMs = 250;

/** Whether its port takes a connection and keeps it. Never rejects. */
export function listens({ origin }: NomadServer): Promise<boolean> {
  return new Promise((resolve) => {
    const { hostname, port, protocol } = new URL(origin);
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (protocol === 'https:' ? 443 : 80),
    });
    const say = (does: boolean): void => {
      socket.destroy();
      resolve(does);
    };
    socket.setTimeout(connectLimitMs, () => say(false));
    socket.once('connect', () => {
      const stayed = setTimeout(() => say(true), stayMs);
      socket.once('close', () => clearTimeout(stayed));
    });
    for (const event of ['error', 'end', 'close']) socket.once(event, () => say(false));
    socket.resume();
  });
}

/** One request straight to one server. */
export async function pass(
  site: Site,
  server: NomadServer,
  { method, path, headers, body }: InvokeRequest,
  signal: AbortSignal,
): Promise<Passed> {
  const both = AbortSignal.any([signal, site.closing]);
  let begun = false;
  try {
    const answer = await send(`${server.origin}${path}`, {
      method,
      headers,
      body,
      signal: both,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    begun = true;
    const limit = site.settings.answerLimitMiB * 1024 * 1024;
    const bytes = await readLimited(answer.body, limit);
    const single = singleHeaders(answer.headers);
    return {
      kind: 'ANSWER',
      response: { status: answer.statusCode, headers: single, body: bytes },
    };
  } catch (error) {
    site.assertOpen('invoke');
    const failure = error instanceof Error ? error : new Error(String(error));
    const isRefused = (failure as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (isRefused) return { kind: 'ERROR', error: failure, reached: 'NOBODY' };
    return { kind: 'ERROR', error: failure, reached: begun ? 'BEGUN' : 'SERVER' };
  }
}

async function readLimited(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      const message = `The answer is longer than ${limitBytes} bytes.`;
      throw new BackendError('Unexpected', 'invoke', message);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return single;
}
