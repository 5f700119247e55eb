import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Installation } from './installation.ts';

export interface Health {
  readonly ok: boolean;
  readonly role: string;
  /** Whether it can answer now; as `ok` when it is not said. */
  readonly ready?: boolean;
  readonly [detail: string]: unknown;
}

/**
 * `GET /healthz`: 200 when all is well, else 503; what is wrong stands in it. `GET /readyz`: whether requests should be
 * sent here now, which ends as soon as the process is told to stop.
 */
export function healthRoute(look: () => Promise<Health>): FastifyPluginAsync {
  return async (app: FastifyInstance) => {
    let isStopping = false;
    app.addHook('preClose', async () => {
      isStopping = true;
    });
    app.get('/healthz', async (_request, reply) => {
      const { ok, ...details } = await look();
      return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'failing', ...details });
    });
    app.get('/readyz', async (_request, reply) => {
      const { ok, ready = ok } = isStopping ? { ok: false } : await look();
      const status = isStopping ? 'stopping' : ready ? 'ready' : 'not ready';
      return reply.code(ready ? 200 : 503).send({ status });
    });
  };
}

/** Of a process on a state folder. Never rejects. */
export async function installationHealth(
  role: string,
  { at, isOnDuty }: Installation,
): Promise<Health> {
  const [store, storage] = await Promise.all([at.store.health(), at.blobs.health()]);
  return {
    ok: store.ok && storage.ok,
    role,
    pid: process.pid,
    /** Whether this is the process that hands work to backends. */
    onDuty: isOnDuty(),
    store: store.message,
    storage: storage.message,
  };
}
