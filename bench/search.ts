import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { localOwner } from '../domain/actor.ts';
import { moduleFacets, type ModuleQuery } from '../store/contract/module-search.ts';
import type { Store } from '../store/contract/store.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import { openPostgresServer } from '../test/real/postgres-server.ts';
import { type ServerProcesses, serverProcesses } from './postgres-processes.ts';
import { quantile, ratio, type Result, rounded, type Row } from './result.ts';
import { countsOf, has, searchedModule, searches } from './search-modules.ts';
import { fillPlain, type Found, searchPlain } from './search-plain.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };
const hits = 20;
const asked = 200;
const rounds = 2;
const checked = 40;
const facetLimit = 20;
/** `--modules 10000` for a shorter one. */
const modules = Number(process.argv[process.argv.indexOf('--modules') + 1]) || 100_000;

interface Contender {
  readonly name: string;
  readonly search: (words: string) => Promise<Found>;
  /** Of the processes that work for it, since they started. */
  readonly serverCpuMs: () => number;
  readonly memory: () => Row;
}

/** What a person sees who searches the catalogue: the best 20, how many there are, and the counts of all six facets. */
export async function search(): Promise<Result> {
  const server = await openPostgresServer();
  const folder = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
  const stores: Store[] = [];
  const pool = new Pool({ connectionString: server.url, max: 2 });
  try {
    const processes = await serverProcesses(server);
    const embedded = await openEmbeddedStore({ folder, ambient });
    stores.push(embedded);
    await fill(embedded);
    const queries = searches(modules, asked);
    for (const words of queries) await searchStore(embedded, words);
    const embeddedMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
    const postgres = await openPostgresStore({ url: await server.schema(), ambient });
    stores.push(postgres);
    await fill(postgres);
    await fillPlain(pool, modules);
    await server.execute('vacuum analyze');
    const contenders: readonly Contender[] = [
      {
        name: 'fathom, embedded',
        search: (words) => searchStore(embedded, words),
        serverCpuMs: () => 0,
        memory: () => ({ name: '', 'RSS MiB': embeddedMiB }),
      },
      {
        name: 'fathom, PostgreSQL',
        search: (words) => searchStore(postgres, words),
        ...cost(processes),
      },
      {
        name: "PostgreSQL's ts_rank",
        search: (words) => searchPlain(pool, words, hits, facetLimit),
        ...cost(processes),
      },
    ];
    await check(contenders, queries);
    return result(await measure(contenders, queries), server.version);
  } finally {
    for (const store of stores) await store.close();
    await pool.end();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function cost(processes: ServerProcesses): Pick<Contender, 'serverCpuMs' | 'memory'> {
  return {
    serverCpuMs: () => processes.cpuMs(),
    memory: () => ({ name: '', 'RSS MiB': processes.memoryMiB() }),
  };
}

async function fill(store: Store): Promise<void> {
  for (let from = 0; from < modules; from += 1_000) {
    const count = Math.min(1_000, modules - from);
    await store.transaction((tx) =>
      tx.modules.insertMany(Array.from({ length: count }, (_, at) => searchedModule(from + at))),
    );
  }
}

/** The three reads of one operation of the graph, which asks for them together. */
async function searchStore({ moduleSearch }: Store, words: string): Promise<Found> {
  const query: ModuleQuery = {
    search: words,
    facets: {},
    trainable: null,
    valid: null,
    orderBy: 'RELEVANCE',
    direction: 'DESC',
    visibleTo: localOwner,
  };
  const [page, count, facets] = await Promise.all([
    moduleSearch.page(query, { first: hits }),
    moduleSearch.count(query),
    moduleSearch.facets(query, moduleFacets, facetLimit),
  ]);
  return {
    count,
    slugs: page.items.map(({ node }) => node.slug),
    licences: (facets.get('LICENCE') ?? []).reduce((sum, value) => sum + value.count, 0),
  };
}

/** Every answer has the right size; of a sample, every module was looked at by hand. */
async function check(contenders: readonly Contender[], queries: readonly string[]): Promise<void> {
  const sample = queries.filter((_, at) => at % Math.floor(asked / checked) === 4);
  const counts = countsOf(modules, sample);
  for (const { name, search: find } of contenders) {
    for (const [at, words] of sample.entries()) {
      const { count, slugs } = await find(words);
      if (count !== counts[at]) {
        throw new Error(`${name} finds ${count} of ${counts[at]} for ${JSON.stringify(words)}.`);
      }
      for (const slug of slugs) {
        if (has(searchedModule(Number(slug.slice('module-'.length))), words.split(' '))) continue;
        throw new Error(`${name} finds ${slug} for ${JSON.stringify(words)}.`);
      }
    }
  }
}

interface Figures {
  readonly times: number[];
  readonly cpuMs: number[];
  readonly serverCpuMs: number[];
  readonly counts: number[];
  memory: Row;
}

/** In turn, so that a machine that slows down slows all of them; the first round warms up and is thrown away. */
async function measure(
  contenders: readonly Contender[],
  queries: readonly string[],
): Promise<ReadonlyMap<string, Figures>> {
  const figures = new Map<string, Figures>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const contender of contenders) {
      const { name, search: find, serverCpuMs, memory } = contender;
      const before = process.cpuUsage();
      const serverBefore = serverCpuMs();
      const times: number[] = [];
      const counts: number[] = [];
      for (const words of queries) {
        const started = performance.now();
        const found = await find(words);
        times.push(performance.now() - started);
        counts.push(found.count);
        const { count, slugs, licences } = found;
        if (count < 1 || licences !== count || slugs.length !== Math.min(count, hits)) {
          throw new Error(`${name}, ${JSON.stringify(words)}: ${JSON.stringify(found)}`);
        }
      }
      if (round === 0) continue;
      const own = figures.get(name) ?? {
        times: [],
        cpuMs: [],
        serverCpuMs: [],
        counts,
        memory: memory(),
      };
      figures.set(name, own);
      const { user, system } = process.cpuUsage(before);
      own.times.push(...times);
      own.cpuMs.push((user + system) / 1_000 / asked);
      own.serverCpuMs.push((serverCpuMs() - serverBefore) / asked);
      own.memory = memory();
    }
  }
  return figures;
}

function result(figures: ReadonlyMap<string, Figures>, version: string): Result {
  const rows: Row[] = [...figures].map(([name, { times, cpuMs, serverCpuMs, memory }]) => ({
    ...memory,
    name,
    'p50 ms': rounded(quantile(times, 0.5), 2),
    'p99 ms': rounded(quantile(times, 0.99), 2),
    'CPU ms': rounded(quantile(cpuMs, 0.5), 2),
    "server's CPU ms": rounded(quantile(serverCpuMs, 0.5), 2),
  }));
  const counts = [...figures.values()][0]?.counts ?? [];
  const at = (row: Row | undefined): number => Number(row?.['p50 ms']);
  const [embedded, postgres, plain] = rows;
  return {
    about: `Searches of 2 and 3 words in ${modules} modules: the best ${hits}, the count of all, six facets; ${asked} searches, ${rounds} rounds, one after the other. They find ${quantile(counts, 0.5)} (p50) to ${Math.max(...counts)} modules. Memory: of this process for the embedded store, of the server's processes for PostgreSQL. ${version.split(' ').slice(0, 2).join(' ')} on loopback.`,
    rows,
    ours: { embedded, postgres },
    peers: { plain },
    ratios: {
      "embedded to PostgreSQL's own": ratio(at(embedded), at(plain)),
      "PostgreSQL to PostgreSQL's own": ratio(at(postgres), at(plain)),
    },
  };
}
