import { join } from 'node:path';
import { stateFolder } from './catalogue.ts';
import { compare, type Load } from './load.ts';
import { root, type Server, start } from './process.ts';
import type { Result } from './result.ts';

const query = `query List($first: Int!) {
  modules(first: $first, orderBy: { field: TITLE, direction: ASC }) {
    nodes { id slug title summary tags licence trainable createdAt }
  }
}`;

const load: Load = {
  path: '/graphql',
  body: () => JSON.stringify({ query, variables: { first: 20 } }),
  check(text) {
    const answer = JSON.parse(text) as { data?: { modules?: { nodes?: unknown[] } } };
    if (answer.data?.modules?.nodes?.length !== 20)
      throw new Error(`a wrong answer: ${text.slice(0, 300)}`);
  },
  requests: 3000,
  concurrency: 10,
};

/** A list of 20 modules: ours reads them from its database file; each peer answers the same from memory. */
export async function list(): Promise<Result> {
  const state = await stateFolder(200);
  const servers: { name: string; server: Server; load: Load }[] = [];
  try {
    const ours = await start([join(root, 'server', 'launch.mjs')], state.env);
    servers.push({ name: 'fathom (from its database)', server: ours, load });
    for (const peer of ['floor', 'mercurius', 'yoga', 'apollo-server']) {
      const server = await start([join(root, 'bench', 'peers', `${peer}.mjs`), 'list']);
      servers.push({ name: peer, server, load });
    }
    const figures = await compare(servers, 3);
    const rows = [...figures].map(([name, figure]) => ({ name, ...figure }));
    const [own, ...peers] = rows;
    return {
      about: `A list of 20, ${load.requests} requests at ${load.concurrency} connections, median of 3 rounds; CPU of the server's process, ms per request.`,
      rows,
      ours: own ?? {},
      peers: Object.fromEntries(peers.map((peer) => [peer.name, peer])),
      ratios: Object.fromEntries(
        peers.map((peer) => [
          `cpu vs ${peer.name}`,
          Number(((own?.cpuMs ?? NaN) / peer.cpuMs).toFixed(2)),
        ]),
      ),
    };
  } finally {
    await Promise.all(servers.map(({ server }) => server.stop()));
    await state.remove();
  }
}
