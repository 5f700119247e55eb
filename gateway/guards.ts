import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { GatewayError } from './presentation.ts';

type Headers = Readonly<Record<string, string | undefined>>;

/** A request that a browser sends across sites only after a preflight has been answered. */
const PREFLIGHT_HEADERS = [
  'graphql-require-preflight',
  'apollo-require-preflight',
  'x-requested-with',
];
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

/**
 * Refuses requests whose Host is not ours: a page can make its own name resolve to 127.0.0.1 (DNS rebinding) and would
 * otherwise be same-origin with a server that listens on loopback. `hosts`: further names, without port; `any` for none.
 */
export function guardHost(app: FastifyInstance, hosts: readonly string[] | 'any'): void {
  if (hosts === 'any') return;
  const allowed = new Set([...LOOPBACK, ...hosts.map((it) => it.toLowerCase())]);
  app.addHook('onRequest', async (request) => {
    if (!allowed.has(hostName(request.headers.host))) {
      throw new GatewayError('FORBIDDEN', 'This server does not answer to that host name.', {
        status: 421,
      });
    }
  });
}

/** Longer than any answer to the first request of a WebSocket takes. */
const upgradeMs = 2_000;

/**
 * Ends the connection of an upgrade that was refused: Node has let go of it, so it would stay open after its peer has gone,
 * and closing the server would wait for it. Call it before any route is registered.
 */
export function endRefusedUpgrades(app: FastifyInstance): void {
  app.addHook('onResponse', async (request) => {
    if (request.raw.headers.upgrade !== undefined) request.raw.socket.destroy();
  });
  // A server that is closing refuses before any hook.
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  app.server.on('upgrade', (request, socket) => {
    const timer = setTimeout(() => socket.destroy(), upgradeMs);
    timers.set(request, timer);
    socket.once('close', () => clearTimeout(timer));
  });
  app.addHook('onReady', async () => {
    app.websocketServer.on('connection', (_socket, request) => clearTimeout(timers.get(request)));
  });
}

/** True when the request comes from no page, from a page of ours, or from one that is allowed. */
export function isAllowedOrigin(headers: Headers, allowedOrigins: readonly string[]): boolean {
  const origin = headers['origin'];
  if (origin === undefined) return true;
  return isOwnOrigin(origin, headers['host']) || allowedOrigins.includes(origin);
}

/**
 * Throws when a page of another site may be behind the request. A POST is safe by its JSON content type (anything else is
 * refused later as unsupported); a GET must say what it accepts, as no form, image or script can, and not be cross-site.
 */
export function guardCrossSite(
  method: string,
  headers: Headers,
  allowedOrigins: readonly string[],
): void {
  if (!isAllowedOrigin(headers, allowedOrigins)) {
    throw new GatewayError('FORBIDDEN', 'Requests from this origin are not allowed.', {
      status: 403,
    });
  }
  if (method !== 'GET') return;
  const site = headers['sec-fetch-site'];
  const isCrossSite =
    site !== undefined &&
    site !== 'same-origin' &&
    site !== 'none' &&
    !allowedOrigins.includes(headers['origin'] ?? '');
  // `cors` comes from fetch alone, and there an Origin goes with it to other sites.
  const declares =
    headers['sec-fetch-mode'] === 'cors' ||
    /application\/(graphql-response\+)?json|text\/event-stream/iu.test(headers['accept'] ?? '') ||
    /^application\/json/iu.test(headers['content-type'] ?? '');
  const preflighted = PREFLIGHT_HEADERS.some((name) => headers[name] !== undefined);
  if (preflighted || (declares && !isCrossSite)) return;
  throw new GatewayError(
    'FORBIDDEN',
    'A GET request needs an Accept header for JSON, or the header graphql-require-preflight.',
    { status: 403 },
  );
}

function isOwnOrigin(origin: string, host: string | undefined): boolean {
  try {
    return host !== undefined && new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}

function hostName(host: string | undefined): string {
  return (host ?? '').toLowerCase().replace(/:\d+$/u, '');
}
