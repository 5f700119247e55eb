import Fastify from 'fastify';
import { registerEdge } from '../gateway/edge.ts';
import { endRefusedUpgrades, guardHost } from '../gateway/guards.ts';
import { plannedExecutor } from '../gateway/planned.ts';
import { remoteLink } from '../gateway/remote-subgraph.ts';
import { serverOptions } from '../gateway/server-options.ts';
import { addressOf } from './address.ts';
import { errorMapper } from './errors.ts';
import { gatewayTargets, type Target } from './gateway-targets.ts';
import { healthRoute } from './health.ts';
import { type Reloading, reloading } from './reloading.ts';
import { requestIds } from './request-ids.ts';
import type { RoleRequest, Running } from './role.ts';
import { samples } from './samples.ts';
import { Metrics } from './telemetry/metrics.ts';

/** `fathom gateway …`: one graph, planned over subgraphs in other processes. It keeps no state. */
export async function serveGateway({ config, root, args, log }: RoleRequest): Promise<Running> {
  const errorFor = errorMapper(log);
  const plan = async () => {
    const { supergraphSdl, targets, file } = await gatewayTargets(args, { config, root });
    const links = targets.map(remoteLink);
    return { targets, file, executor: await plannedExecutor({ supergraphSdl, links, errorFor }) };
  };
  let served = await plan();
  const { executor } = served;
  const metrics = new Metrics('gateway', log);
  const startedAt = Date.now();
  let reloads: Reloading | null = null;
  const app = Fastify({ logger: false, ...serverOptions });
  endRefusedUpgrades(app);
  guardHost(app, [config.host]);
  try {
    await app.register(
      // It answers in part while subgraphs are away, so it is well also then.
      healthRoute(async () => {
        const subgraphs = await stateOf(served.targets);
        const ready = Object.values(subgraphs).some((state) => state === 'ok');
        const supergraph = {
          loadedAt: new Date(reloads?.loadedAt ?? startedAt),
          refusal: reloads?.refusal ?? null,
        };
        return { ok: true, ready, role: 'gateway', pid: process.pid, subgraphs, supergraph };
      }),
    );
    await app.register(metrics.route);
    const edge = await registerEdge(app, {
      executor,
      errorFor,
      newRequestId: requestIds({ now: () => Date.now(), random: () => Math.random() }),
      introspection: config.introspection,
      allowedOrigins: config.allowedOrigins,
      explorer: { samples },
      watch: metrics.watch,
    });
    const { file } = served;
    reloads = reloading({
      file,
      log,
      async reload() {
        served = await plan();
        edge.replace(served.executor);
      },
    });
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    reloads?.stop();
    await app.close();
    await executor.close();
    throw error;
  }
  const url = addressOf(app);
  const lines = served.targets.map((target) => `  ${target.name.padEnd(16)} ${target.url}`);
  process.stdout.write(`
Fathom plans over ${served.targets.length} subgraphs

  Look (GraphiQL)  ${url}/graphql
${lines.join('\n')}
`);
  return {
    url,
    async stop() {
      reloads?.stop();
      await app.close();
      await served.executor.close();
    },
  };
}

const healthLimitMs = 1_000;

/** What each subgraph says of itself now; `unreachable` when it says nothing. */
async function stateOf(targets: readonly Target[]): Promise<Readonly<Record<string, string>>> {
  const states = targets.map(async ({ name, url }) => {
    const signal = AbortSignal.timeout(healthLimitMs);
    const state = await fetch(new URL('/healthz', url), { signal }).then(
      // Subgraphs of others may have no such page; they answer all the same.
      (response) => (response.ok || response.status === 404 ? 'ok' : 'failing'),
      () => 'unreachable',
    );
    return [name, state] as const;
  });
  return Object.fromEntries(await Promise.all(states));
}
