import { connect } from 'node:net';
import { request as send } from 'undici';
import type { InvokeRequest } from '../contract/service-runner.ts';
import { readAnswer } from '../server-pool/answer.ts';
import type { Passed, PoolServer } from '../server-pool/server-pool.ts';
import type { Site } from './site.ts';

export interface NomadServer extends PoolServer {
  /** As `http://10.0.0.7:23456`. */
  readonly origin: string;
}

/**
 * What publishes a container's port takes connections before anything listens inside, and drops them. So who answers, in
 * whatever way, listens; who says nothing for so long and keeps the connection is busy.
 */
const silenceMs = 2000;

/** Whether a server is behind its port; of one that answered before (`isKnown`) a connection tells. Never rejects. */
export function listens({ origin }: NomadServer, isKnown: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const { hostname, host, port, protocol } = new URL(origin);
    const isPlain = protocol === 'http:';
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || (isPlain ? 80 : 443),
    });
    const say = (does: boolean): void => {
      clearTimeout(silent);
      socket.destroy();
      resolve(does);
    };
    const silent = setTimeout(() => say(!socket.connecting), silenceMs);
    socket.once('connect', () => {
      if (isKnown) say(true);
      else if (isPlain)
        socket.write(`HEAD / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    });
    socket.once('data', () => say(true));
    for (const event of ['error', 'end', 'close']) socket.once(event, () => say(false));
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
    return { kind: 'ANSWER', response: await readAnswer(answer, limit) };
  } catch (error) {
    site.assertOpen('invoke');
    const failure = error instanceof Error ? error : new Error(String(error));
    const isRefused = (failure as NodeJS.ErrnoException).code === 'ECONNREFUSED';
    if (isRefused) return { kind: 'ERROR', error: failure, reached: 'NOBODY' };
    return { kind: 'ERROR', error: failure, reached: begun ? 'BEGUN' : 'SERVER' };
  }
}
