import { join } from 'node:path';
import { stateFolder } from './catalogue.ts';
import { compare, type Contender, type Load } from './load.ts';
import { fathom, root, start } from './process.ts';
import { ratio, type Result } from './result.ts';

const query = `query List($first: Int!) {
  modules(first: $first, orderBy: { field: TITLE, direction: ASC }) {
    nodes { id slug title summary tags licence trainable createdAt }
  }
}`;

const load: Load = {
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
  const contenders: Contender[] = [];
  try {
    const server = await fathom([], state.env);
    contenders.push({ name: 'fathom (from its database)', server, load });
    for (const name of ['floor', 'mercurius', 'yoga', 'apollo-server']) {
      const argv = [join(root, 'bench', 'peers', `${name}.mjs`)];
      contenders.push({ name, server: await start(argv), load });
    }
    const figures = await compare(contenders, 5);
    const rows = [...figures].map(([name, { cpuMs, p50Ms, p99Ms, rssMiB }]) => {
      return { name, cpuMs, p50Ms, p99Ms, rssMiB };
    });
    const [own, ...peers] = rows;
    return {
      about: `A list of 20, ${load.requests} requests over ${load.concurrency} connections, median of 5 rounds; CPU of the server's process, ms per request.`,
      rows,
      ours: own ?? {},
      peers: Object.fromEntries(peers.map((peer) => [peer.name, peer])),
      ratios: Object.fromEntries(
        peers.map((peer) => [`cpu vs ${peer.name}`, ratio(own?.cpuMs, peer.cpuMs)]),
      ),
    };
  } finally {
    await Promise.all(contenders.map(({ server }) => server.stop()));
    await state.remove();
  }
}
