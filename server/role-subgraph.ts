import Fastify from 'fastify';
import { localOwner } from '../domain/actor.ts';
import { serveSubgraph, type SubgraphServer } from '../gateway/subgraph-server.ts';
import { createContext } from '../resolvers/context.ts';
import { ConfigError } from './config.ts';
import { dataPlane } from './data-plane/data-plane.ts';
import { errorMapper } from './errors.ts';
import { buildSubgraphs, subgraphNames } from './graph.ts';
import { openInstallation } from './installation.ts';
import { requestIds } from './request-ids.ts';
import { addressOf } from './address.ts';
import type { RoleRequest, Running } from './roles.ts';
import { seed } from './seed.ts';

/**
 * `fathom subgraph NAME[=PORT] …`: each subgraph named, on a port of its own, with the data plane and the reconciler of
 * the state folder. An embedded state folder has one process, so the subgraphs that share one are named together.
 */
export async function serveSubgraphs({ config, root, args, log }: RoleRequest): Promise<Running> {
  const wanted = args.map(parseWanted);
  if (wanted.length === 0) {
    throw new ConfigError(`name the subgraphs to serve: ${subgraphNames.join(', ')}.`);
  }
  let url = '';
  const installation = await openInstallation(config, root, log, () => url);
  const { at, links, services, reconciler } = installation;
  const servers: SubgraphServer[] = [];
  const app = Fastify({ logger: false, forceCloseConnections: 'idle' });
  const close = async () => {
    await Promise.all(servers.map((server) => server.close()));
    await app.close();
    await installation.close();
  };
  try {
    const { datasets } = services;
    await app.register(dataPlane({ datasets, blobs: at.blobs, links, log }));
    await seed(services.modules, datasets, config.seed);
    reconciler.start();
    await app.listen({ host: config.host, port: config.dataPort });
    url = addressOf(app);
    const subgraphs = buildSubgraphs();
    for (const { name, port } of wanted) {
      const subgraph = subgraphs.find((one) => one.name === name);
      if (subgraph === undefined) continue;
      servers.push(
        await serveSubgraph({
          subgraph,
          contextFor: (incoming) => createContext(localOwner, incoming.requestId, services),
          errorFor: errorMapper(log),
          newRequestId: requestIds(at.ambient),
          host: config.host,
          port,
        }),
      );
    }
  } catch (error) {
    await close();
    throw error;
  }
  const lines = wanted.map(
    ({ name }, index) => `  ${name.padEnd(12)} ${servers[index]?.url ?? ''}`,
  );
  const flags = wanted.map(({ name }, index) => `--subgraph ${name}=${servers[index]?.url ?? ''}`);
  process.stdout.write(`
Fathom serves ${wanted.length} of ${subgraphNames.length} subgraphs, state in ${config.stateFolder}

${lines.join('\n')}
  ${'(bytes)'.padEnd(12)} ${url}

  In front of them: fathom gateway ${flags.join(' ')}
`);
  return { url: servers[0]?.url ?? url, stop: close };
}

function parseWanted(text: string): { readonly name: string; readonly port: number } {
  const [name = '', port] = text.split('=');
  const index = subgraphNames.indexOf(name);
  if (index < 0) {
    throw new ConfigError(`there is no subgraph ${name}; there are: ${subgraphNames.join(', ')}.`);
  }
  const number = port === undefined ? 4001 + index : Number(port);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new ConfigError(`${text}: a port is a number from 0 to 65535.`);
  }
  return { name, port: number };
}
