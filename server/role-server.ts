import Fastify from 'fastify';
import { registerEdge } from '../gateway/edge.ts';
import { endRefusedUpgrades, guardHost } from '../gateway/guards.ts';
import { mergedExecutor } from '../gateway/merged.ts';
import { serverOptions } from '../gateway/server-options.ts';
import { localOwner } from '../domain/actor.ts';
import { createContext } from '../resolvers/context.ts';
import { addressOf } from './address.ts';
import { banner } from './banner.ts';
import { dataPlane } from './data-plane/data-plane.ts';
import { errorMapper } from './errors.ts';
import { buildSubgraphs, subgraphNames } from './graph.ts';
import { healthRoute, installationHealth } from './health.ts';
import { openInstallation } from './installation.ts';
import { requestIds } from './request-ids.ts';
import type { RoleRequest, Running } from './role.ts';
import { samples } from './samples.ts';
import { seed } from './seed.ts';
import { listenForSites } from './site-listener.ts';
import { Metrics } from './telemetry/metrics.ts';

/** Everything in one process: graph, edge, data plane, reconciler, on one port and one state folder. */
export async function serveEverything({ config, root, log }: RoleRequest): Promise<Running> {
  let url = '';
  const installation = await openInstallation({
    config,
    root,
    log,
    dataUrl: () => config.dataUrl ?? url,
    access: 'exclusive',
  });
  const { at, links, deliveries, services } = installation;
  const metrics = new Metrics('server', log);
  metrics.ofInstallation(installation);
  const app = Fastify({ logger: false, ...serverOptions });
  endRefusedUpgrades(app);
  let sites = { close: async () => {} };
  try {
    const { datasets } = services;
    await app.register(healthRoute(() => installationHealth('server', installation)));
    await app.register(dataPlane({ datasets, blobs: at.blobs, links, deliveries, log }));
    // Behind the data plane, whose URLs are signed: a page that names itself 127.0.0.1 is nobody we know.
    guardHost(app, [config.host]);
    await app.register(metrics.route);
    const errorFor = errorMapper(log);
    const executor = await mergedExecutor({
      subgraphs: buildSubgraphs(),
      contextFor: (incoming) => createContext(localOwner, incoming.requestId, services),
      errorFor,
    });
    await registerEdge(app, {
      executor,
      errorFor,
      newRequestId: requestIds(at.ambient),
      introspection: config.introspection,
      allowedOrigins: config.allowedOrigins,
      explorer: { samples },
      watch: metrics.watch,
    });
    await seed({ services, config, subgraphs: subgraphNames });
    await installation.lookAfterWork();
    await app.listen({ host: config.host, port: config.port });
    url = addressOf(app);
    sites = await listenForSites(config, installation, log);
  } catch (error) {
    await sites.close();
    await app.close();
    await installation.close();
    throw error;
  }
  process.stdout.write(await banner(url, config, services));
  return {
    url,
    async stop() {
      // Streams end first, resumable; then what writes; then what was written to.
      await sites.close();
      await app.close();
      await installation.close();
    },
  };
}
