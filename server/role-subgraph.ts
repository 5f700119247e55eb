import Fastify from 'fastify';
import { localOwner } from '../domain/actor.ts';
import { serverOptions } from '../gateway/server-options.ts';
import { serveSubgraph, type SubgraphServer } from '../gateway/subgraph-server.ts';
import { createContext } from '../resolvers/context.ts';
import { addressOf } from './address.ts';
import type { Config } from './config.ts';
import { ConfigError } from './settings-file.ts';
import { dataPlane } from './data-plane/data-plane.ts';
import { errorMapper } from './errors.ts';
import { buildSubgraphs, subgraphNames } from './graph.ts';
import { healthRoute, installationHealth } from './health.ts';
import { openInstallation } from './installation.ts';
import { requestIds } from './request-ids.ts';
import type { RoleRequest, Running } from './role.ts';
import { seed } from './seed.ts';
import { Metrics } from './telemetry/metrics.ts';
import { listenForSites } from './site-listener.ts';
import { subgraphPorts } from './subgraph-ports.ts';

interface Wanted {
  readonly name: string;
  readonly port: number;
}

/**
 * `fathom subgraph NAME[=PORT] …`: each subgraph named, on a port of its own. Processes on one state folder share it; one
 * of them looks after its work, and the one that serves `datasets` has the data plane.
 */
export async function serveSubgraphs({ config, root, args, log }: RoleRequest): Promise<Running> {
  const wanted = args.map(parseWanted);
  const names = wanted.map(({ name }) => name);
  if (wanted.length === 0 || new Set(names).size < names.length) {
    throw new ConfigError(`name the subgraphs to serve, each once: ${subgraphNames.join(', ')}.`);
  }
  const hasBytes = names.includes('datasets');
  let bytesUrl = dataUrlOf(config, hasBytes);
  const installation = await openInstallation({
    config,
    root,
    log,
    dataUrl: () => bytesUrl,
    access: 'shared',
  });
  const { at, links, deliveries, services } = installation;
  const servers: SubgraphServer[] = [];
  const app = Fastify({ logger: false, ...serverOptions });
  let sites = { close: async () => {} };
  const close = async (): Promise<void> => {
    await sites.close();
    await Promise.all(servers.map((server) => server.close()));
    await app.close();
    await installation.close();
  };
  try {
    await seed({ services, config, subgraphs: names });
    const metrics = new Metrics('subgraph');
    metrics.ofInstallation(installation);
    if (hasBytes) {
      const { datasets } = services;
      await app.register(healthRoute(() => installationHealth('datasets', installation)));
      await app.register(metrics.route);
      await app.register(dataPlane({ datasets, blobs: at.blobs, links, deliveries, log }));
      await app.listen({ host: config.host, port: config.dataPort });
      bytesUrl = config.dataUrl ?? addressOf(app);
      sites = await listenForSites(config, installation, log);
    }
    const subgraphs = new Map(buildSubgraphs().map((subgraph) => [subgraph.name, subgraph]));
    for (const { name, port } of wanted) {
      const subgraph = subgraphs.get(name);
      if (subgraph === undefined) throw new Error(`The subgraph ${name} was not built.`);
      servers.push(
        await serveSubgraph({
          subgraph,
          contextFor: (incoming) => createContext(localOwner, incoming.requestId, services),
          errorFor: errorMapper(log),
          newRequestId: requestIds(at.ambient),
          isHealthy: async () => (await installationHealth(name, installation)).ok,
          about: () => ({ pid: process.pid, onDuty: installation.isOnDuty() }),
          metrics: () => metrics.text(),
          host: config.host,
          port,
        }),
      );
    }
    await installation.lookAfterWork();
  } catch (error) {
    await close();
    throw error;
  }
  process.stdout.write(introduction(config, wanted, servers, hasBytes ? bytesUrl : null));
  return { url: servers[0]?.url ?? bytesUrl, stop: close };
}

/** Where links to bytes lead: to the data plane of this process, known when it listens, or to that of another one. */
function dataUrlOf(config: Config, isHere: boolean): string {
  if (config.dataUrl !== null) return config.dataUrl;
  if (!isHere && config.dataPort === 0) {
    throw new ConfigError(
      'FATHOM_DATA_PORT is 0 and another process serves datasets: say in FATHOM_DATA_URL where its bytes are.',
    );
  }
  return `http://${config.host}:${config.dataPort}`;
}

function introduction(
  config: Config,
  wanted: readonly Wanted[],
  servers: readonly SubgraphServer[],
  bytesUrl: string | null,
): string {
  const line = (label: string, url: string): string => `  ${label.padEnd(12)} ${url}`;
  const urls = wanted.map(({ name }, index) => [name, servers[index]?.url ?? ''] as const);
  const flags = urls.map(([name, url]) => `--subgraph ${name}=${url}`);
  const all = wanted.length === subgraphNames.length;
  return `
Fathom serves ${wanted.length} of ${subgraphNames.length} subgraphs, state in ${config.stateFolder}

${[...urls.map(([name, url]) => line(name, url)), ...(bytesUrl === null ? [] : [line('(bytes)', bytesUrl)])].join('\n')}

  In front of ${all ? 'them' : 'all five'}: fathom gateway ${all ? flags.join(' ') : '--subgraph NAME=URL …'}
`;
}

function parseWanted(text: string): Wanted {
  const [name = '', port] = text.split('=');
  if (!subgraphNames.includes(name)) {
    throw new ConfigError(`there is no subgraph ${name}; there are: ${subgraphNames.join(', ')}.`);
  }
  const number = port === undefined || port === '' ? subgraphPorts.get(name) : Number(port);
  if (number === undefined || !Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new ConfigError(`${text}: a port is a number from 0 to 65535.`);
  }
  return { name, port: number };
}
