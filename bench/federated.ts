import { deepStrictEqual } from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'graphql';
import { compose } from '../gateway/composition.ts';
import { stateFolder, type StateFolder } from './catalogue.ts';
import { type CountingProxy, countingProxy } from './counting-proxy.ts';
import { ask } from './graph.ts';
import { compare, type Contender, type Load, send } from './load.ts';
import { fathom, root, type Server, start } from './process.ts';
import { ratio, type Result } from './result.ts';

const subgraphs = ['modules', 'datasets', 'training', 'deployments', 'inference'];
const filled = 200;
const requests = 1000;
const countedRequests = 20;

/** Modules and their versions are of one subgraph, runs of another. */
const query = `query Federated($after: String) {
  modules(first: 20, after: $after, orderBy: { field: TITLE, direction: ASC }) {
    nodes { id title latestVersion { id name runs(first: 2) { nodes { id number state } } } }
  }
}`;

interface Page {
  readonly modules: {
    readonly nodes: readonly {
      readonly latestVersion: { readonly runs: { readonly nodes: readonly unknown[] } };
    }[];
  };
}

interface Question {
  readonly after: string;
  readonly answer: Page;
}

interface Endpoint {
  readonly name: string;
  readonly url: string;
}

type StartGateway = (endpoints: readonly Endpoint[], folder: string) => Promise<Server>;

const gateways: Readonly<Record<string, StartGateway>> = {
  'fathom gateway': (endpoints, folder) => {
    const flags = endpoints.flatMap(({ name, url }) => ['--subgraph', `${name}=${url}`]);
    return fathom(['gateway', ...flags], {
      FATHOM_PORT: '0',
      FATHOM_STATE: join(folder, 'gateway'),
    });
  },
  '@apollo/gateway': async (endpoints, folder) =>
    start([peer('apollo-gateway'), await supergraph(endpoints, folder)]),
  'hive gateway': async (endpoints, folder) =>
    start([peer('hive-gateway'), await supergraph(endpoints, folder)]),
  'hive gateway, rust planner': async (endpoints, folder) =>
    start([peer('hive-gateway'), await supergraph(endpoints, folder), 'rust']),
};

/**
 * One query over two subgraphs: ours in process, and each gateway over the same subgraph processes. Every request asks
 * for another page, so that nobody answers two at once with one fetch.
 */
export async function federated(): Promise<Result> {
  const state = await stateFolder(filled);
  const behind = await state.copy();
  const running: Server[] = [];
  try {
    const embedded = await fathom([], state.env);
    running.push(embedded);
    const questions = await everyPage(embedded.url);
    const served = await fathom(
      ['subgraph', ...subgraphs.map((name) => `${name}=0`)],
      behind.env,
      /fathom gateway (--subgraph .+)\n/,
    );
    running.push(served);
    const endpoints = endpointsIn(served.url);
    const asked = await countRequests(endpoints, questions, behind);
    const contenders: Contender[] = [
      { name: 'fathom (in process)', server: embedded, load: loadOf(questions, requests) },
    ];
    for (const [name, startGateway] of Object.entries(gateways)) {
      const server = await startGateway(endpoints, behind.folder);
      running.push(server);
      contenders.push({ name, server, behind: [served], load: loadOf(questions, requests) });
    }
    const figures = await compare(contenders, 3);
    const rows = [...figures].map(([name, figure]) => ({
      name,
      ...figure,
      subgraphRequests: asked.get(name) ?? 0,
    }));
    const [own, remote, ...peers] = rows;
    return {
      about: `20 modules with two runs each over two subgraphs, ${requests} requests over 10 connections, median of 3 rounds; CPU ms per request of the server's process and of the subgraphs behind it.`,
      rows,
      ours: { embedded: own, remote },
      peers: Object.fromEntries(peers.map((row) => [row.name, row])),
      ratios: Object.fromEntries(
        peers.flatMap((row) => [
          [`cpu of ${row.name} vs in process`, ratio(row.cpuMs, own?.cpuMs)],
          [`cpu of ${row.name} vs remote`, ratio(row.cpuMs, remote?.cpuMs)],
        ]),
      ),
    };
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await Promise.all([state.remove(), behind.remove()]);
  }
}

/** The page behind each module, as our own server in one process answers it; the others must say the same. */
async function everyPage(url: string): Promise<readonly Question[]> {
  const cursors: string[] = [];
  for (let after: string | null = null; cursors.length < filled; after = cursors.at(-1) ?? null) {
    const { modules } = await ask<{ modules: { edges: readonly { cursor: string }[] } }>(
      url,
      `query Cursors($after: String) {
        modules(first: 100, after: $after, orderBy: { field: TITLE, direction: ASC }) { edges { cursor } }
      }`,
      { after },
    );
    cursors.push(...modules.edges.map(({ cursor }) => cursor));
  }
  return Promise.all(
    cursors.slice(0, filled - 20).map(async (after) => {
      const answer = await ask<Page>(url, query, { after });
      const { nodes } = answer.modules;
      const isWhole = nodes.every(({ latestVersion }) => latestVersion.runs.nodes.length === 2);
      if (nodes.length !== 20 || !isWhole) throw new Error(JSON.stringify(answer).slice(0, 300));
      return { after, answer };
    }),
  );
}

function loadOf(questions: readonly Question[], count: number): Load {
  const texts = new Map<number, string>();
  // A step that shares no factor with the number of pages visits all of them.
  const placeOf = (at: number) => (at * 37) % questions.length;
  return {
    body: (at) => JSON.stringify({ query, variables: { after: questions[placeOf(at)]?.after } }),
    check(text, at) {
      const place = placeOf(at);
      if (texts.get(place) === text) return;
      const { data, errors } = JSON.parse(text) as { data?: unknown; errors?: unknown };
      deepStrictEqual({ data, errors }, { data: questions[place]?.answer, errors: undefined });
      texts.set(place, text);
    },
    requests: count,
    concurrency: 10,
  };
}

/** How often a gateway asks subgraphs for one operation, by a run of its own through counting proxies. */
async function countRequests(
  endpoints: readonly Endpoint[],
  questions: readonly Question[],
  { folder }: StateFolder,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const proxies: CountingProxy[] = [];
  for (const { url } of endpoints) proxies.push(await countingProxy(url));
  const total = () => proxies.reduce((sum, proxy) => sum + proxy.count(), 0);
  try {
    for (const [name, startGateway] of Object.entries(gateways)) {
      const proxied = endpoints.map((one, at) => ({ ...one, url: proxies[at]?.url ?? one.url }));
      const server = await startGateway(proxied, folder);
      try {
        await send(server.url, { ...loadOf(questions, 1), concurrency: 1 });
        const before = total();
        await send(server.url, { ...loadOf(questions, countedRequests), concurrency: 1 });
        counts.set(name, (total() - before) / countedRequests);
      } finally {
        await server.stop();
      }
    }
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
  return counts;
}

function endpointsIn(flags: string): readonly Endpoint[] {
  return [...flags.matchAll(/--subgraph (\w+)=(\S+)/g)].map(([, name = '', url = '']) => ({
    name,
    url,
  }));
}

async function supergraph(endpoints: readonly Endpoint[], folder: string): Promise<string> {
  const parts = endpoints.map(async ({ name, url }) => {
    const sdl = await readFile(join(root, 'schema', 'snapshots', `${name}.graphql`), 'utf8');
    return { name, url, typeDefs: parse(sdl) };
  });
  const file = join(folder, 'supergraph.graphql');
  await writeFile(file, compose(await Promise.all(parts)).supergraphSdl);
  return file;
}

function peer(name: string): string {
  return join(root, 'bench', 'peers', `${name}.mjs`);
}
