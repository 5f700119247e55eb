import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable, FathomError } from '../../domain/errors.ts';

/** Codes that have a status of their own; all others are 400. */
const statuses: { readonly [C in ErrorCode]?: number } = {
  NOT_FOUND: 404,
  // An id that is none of ours is as unknown as one that was never given out.
  BAD_ID: 404,
  UNAUTHENTICATED: 401,
  DEADLINE_EXCEEDED: 408,
  WRONG_STATE: 409,
  VERSION_CONFLICT: 412,
  TOO_LARGE: 413,
  DIGEST_MISMATCH: 422,
  INTERNAL: 500,
  OVERLOADED: 503,
  SHUTTING_DOWN: 503,
  STORE_UNAVAILABLE: 503,
  STORAGE_FULL: 507,
};

export type ProblemLog = (level: 'info' | 'warn' | 'error', message: string, more?: object) => void;

/** Answers `{ code, message }`. What is no expected failure is logged, and told as INTERNAL without a detail. */
export function problemHandler(log: ProblemLog) {
  return async (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const problem = expected(error);
    if (problem === null) {
      log('error', 'A data request failed.', { requestId: request.id, error });
    }
    const { code, message } = problem ?? { code: 'INTERNAL', message: errorTable.INTERNAL.text };
    const status = error instanceof DamagedPartError ? 460 : (statuses[code] ?? 400);
    if (status === 503) reply.header('retry-after', '1');
    await reply
      .code(status)
      .header('cache-control', 'no-store')
      // Also for HEAD, and to tell our own refusals from those of a proxy on the way.
      .header('fathom-code', code)
      .header('content-type', 'application/json; charset=utf-8')
      .send(request.method === 'HEAD' ? '' : JSON.stringify({ code, message }));
  };
}

/** A part that does not have the checksum it was sent with: tus answers 460, and the part does not count. */
export class DamagedPartError extends FathomError {
  constructor() {
    super('DIGEST_MISMATCH', 'The part does not have the SHA-256 of its Upload-Checksum.');
    this.name = 'DamagedPartError';
  }
}

/** Fastify's own refusals (a header too large, a path that cannot be decoded) are the caller's fault too. */
function expected(error: unknown): { readonly code: ErrorCode; readonly message: string } | null {
  if (error instanceof FathomError) return error;
  if (error instanceof Error && 'statusCode' in error && Number(error.statusCode) < 500) {
    return { code: 'BAD_REQUEST', message: error.message };
  }
  return null;
}
