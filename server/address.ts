import type { FastifyInstance } from 'fastify';

/** The URL that a listening server is reached at from this machine. */
export function addressOf(app: FastifyInstance): string {
  const first = app.server.address();
  if (first === null || typeof first === 'string') return '';
  const host = first.family === 'IPv6' ? `[${first.address}]` : first.address;
  return `http://${host}:${first.port}`;
}
