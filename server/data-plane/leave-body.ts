import type { FastifyReply, FastifyRequest } from 'fastify';
import { PartStoppedError } from './part-content.ts';

/** A refused part's rest up to this size is read and dropped, so that the connection can go on. */
const droppedBytes = 1024 * 1024;

/**
 * The rest of a refused part: a little is read and dropped, so that the connection can go on. With much of it, or from a
 * client that is slow, gone or to be let go, the connection ends behind the answer.
 */
export function leaveBody(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  if (request.raw.complete || request.raw.destroyed) return;
  const length = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
  if (length > droppedBytes || error instanceof PartStoppedError) {
    reply.header('connection', 'close');
  } else request.raw.resume();
}
