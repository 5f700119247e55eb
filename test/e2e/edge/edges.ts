import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { registerEdge } from '../../../gateway/edge.ts';
import { endRefusedUpgrades, guardHost } from '../../../gateway/guards.ts';
import type { Edge, EdgeOptions } from '../../../gateway/edge.ts';
import type { Executor } from '../../../gateway/executor.ts';
import { errorFor } from '../../integration/gateway/toys.ts';

export interface StartOptions extends Partial<EdgeOptions> {
  readonly hosts?: readonly string[];
}

export interface RunningEdge {
  readonly url: string;
  readonly edge: Edge;
  close(): Promise<void>;
}

/** An edge on a port of its own. The executor is closed with it. */
export async function startEdge(
  executor: Executor,
  { hosts, ...options }: StartOptions = {},
): Promise<RunningEdge> {
  const app = Fastify({ logger: false, forceCloseConnections: true });
  endRefusedUpgrades(app);
  guardHost(app, hosts ?? []);
  let requests = 0;
  const edge = await registerEdge(app, {
    executor,
    errorFor,
    newRequestId: () => `req_${(requests += 1)}`,
    ...options,
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    edge,
    async close() {
      await app.close();
      await executor.close();
    },
  };
}
