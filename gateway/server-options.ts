import type { Server } from 'node:http';
import type { FastifyHttpOptions } from 'fastify';

/**
 * For the Fastify server that carries the edge. Node's own defaults let a client take a minute for its headers; the body's
 * time is bounded by `requestTimeout`, long enough for a part of an upload on a slow line.
 */
export const serverOptions = Object.freeze({
  requestTimeout: 300_000,
  keepAliveTimeout: 72_000,
  forceCloseConnections: 'idle',
  http: { headersTimeout: 15_000, maxHeaderSize: 16_384 },
} as const satisfies FastifyHttpOptions<Server>);
