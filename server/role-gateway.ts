import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Fastify from 'fastify';
import { parse } from 'graphql';
import { compose } from '../gateway/composition.ts';
import { registerEdge } from '../gateway/edge.ts';
import { plannedExecutor } from '../gateway/planned.ts';
import { remoteLink } from '../gateway/remote-subgraph.ts';
import { addressOf } from './address.ts';
import { ConfigError } from './config.ts';
import { errorMapper } from './errors.ts';
import { requestIds } from './request-ids.ts';
import type { RoleRequest, Running } from './roles.ts';
import { samples } from './samples.ts';

interface Target {
  readonly name: string;
  readonly url: string;
}

/** `fathom gateway --subgraph NAME=URL …`: one graph, planned over subgraphs in other processes. It keeps no state. */
export async function serveGateway({ config, root, args, log }: RoleRequest): Promise<Running> {
  const targets = parseTargets(args);
  const composition = compose(
    await Promise.all(
      targets.map(async ({ name, url }) => ({
        name,
        url,
        typeDefs: parse(await snapshot(root, name)),
      })),
    ),
  );
  const errorFor = errorMapper(log);
  const executor = await plannedExecutor({
    supergraphSdl: composition.supergraphSdl,
    links: targets.map(remoteLink),
    errorFor,
  });
  const app = Fastify({ logger: false, forceCloseConnections: 'idle' });
  try {
    await registerEdge(app, {
      executor,
      errorFor,
      newRequestId: requestIds({ now: () => Date.now(), random: () => Math.random() }),
      introspection: config.introspection,
      allowedOrigins: config.allowedOrigins,
      explorer: { samples },
    });
    await app.listen({ host: config.host, port: config.port });
  } catch (error) {
    await app.close();
    await executor.close();
    throw error;
  }
  const url = addressOf(app);
  process.stdout.write(`
Fathom plans over ${targets.length} subgraphs

  Look (GraphiQL)  ${url}/graphql
`);
  return {
    url,
    async stop() {
      await app.close();
      await executor.close();
    },
  };
}

function parseTargets(args: readonly string[]): readonly Target[] {
  const targets: Target[] = [];
  for (let at = 0; at < args.length; at += 2) {
    const [flag, value = ''] = args.slice(at, at + 2);
    const [, name, url] = /^([a-z]+)=(https?:\/\/.+)$/.exec(value) ?? [];
    if (flag !== '--subgraph' || name === undefined || url === undefined) {
      throw new ConfigError('use: fathom gateway --subgraph NAME=URL [--subgraph NAME=URL …].');
    }
    targets.push({ name, url });
  }
  if (targets.length === 0) throw new ConfigError('name the subgraphs: --subgraph NAME=URL.');
  return targets;
}

/** What a subgraph of ours says stands in the repository, so a gateway needs none of its code. */
async function snapshot(root: string, name: string): Promise<string> {
  return readFile(join(root, 'schema', 'snapshots', `${name}.graphql`), 'utf8').catch(() => {
    throw new ConfigError(
      `schema/snapshots/${name}.graphql is not there: ${name} is no subgraph of ours.`,
    );
  });
}
