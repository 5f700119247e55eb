import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ProcessGroup, subgraphs } from '../test/e2e/processes/process-group.ts';
import { openPostgresServer, type PostgresServer } from '../test/real/postgres-server.ts';
import { RedisServer } from '../test/real/redis-server.ts';
import { Audience, followed, openFiles } from './audience.ts';
import { cpuMs } from './process.ts';
import { quantile, ratio, type Result, rounded, type Row } from './result.ts';
import { startSteadyRun, steadyModules } from './steady-run.ts';
import type { Seen } from './subscribers.ts';

const withRedis = 'PostgreSQL and Redis';
const without = 'PostgreSQL alone';
const onEachGateway = [500, 2_000];
const everyMs = 1_000;
const windowMs = 15_000;
const quietMs = 5_000;
/** On a machine that is too slow sockets are closed, by an edge or behind it; a client opens another. */
const openings = 20;
/** What a process has open besides the sockets of the subscribers. */
const otherFiles = 300;

/** The processes whose time is counted, by the column they are in. */
const parts = {
  gateways: ['gateway', 'second-gateway'],
  subgraphs,
  worker: ['worker'],
} as const;

type Spent = Readonly<Record<keyof typeof parts, number>>;

/**
 * As `fanout`, where nobody shares memory: a run that the worker dispatches and observes, followed through two gateways
 * over the subgraphs' processes, on one PostgreSQL; which of PostgreSQL and Redis wakes the readers is what differs.
 */
export async function fanoutGateways(): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
  const database = await openPostgresServer();
  const { redisUrl, remove } = await openRedis();
  try {
    const modules = await steadyModules(folder);
    const rows: Row[] = [];
    for (const size of onEachGateway) {
      // The subgraph has one for every subscriber of both gateways; a gateway has two for each of its own.
      if (2 * size + otherFiles > openFiles()) {
        console.log(`2 x ${size} subscribers are left out: too few files may be open (ulimit -n).`);
        continue;
      }
      for (const [name, url] of [
        [withRedis, redisUrl],
        [without, ''],
      ] as const) {
        const title = `${name}, 2 x ${size}`;
        try {
          const row = await through(database, url, modules, title, size);
          console.log(JSON.stringify(row));
          rows.push(row);
        } catch (error) {
          // Told and not counted: a size that this machine cannot carry has no figures.
          console.log(`${title} did not come to an end: ${String(error)}`);
        }
      }
    }
    if (rows.length === 0) throw new Error('Nothing could be measured.');
    return presented(rows, database);
  } finally {
    await remove();
    await database.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The one at REDIS_URL, or one of our own. */
async function openRedis(): Promise<{ redisUrl: string; remove: () => Promise<void> }> {
  const given = process.env['REDIS_URL'];
  if (given !== undefined && given !== '') {
    return { redisUrl: given, remove: async () => undefined };
  }
  const redis = await RedisServer.create();
  return { redisUrl: redis.url, remove: () => redis.remove() };
}

/** New processes on a new schema; an empty address of Redis is none. */
async function through(
  database: PostgresServer,
  redisUrl: string,
  modules: string,
  name: string,
  size: number,
): Promise<Row> {
  const group = await ProcessGroup.create({
    DATABASE_URL: await database.schema(),
    REDIS_URL: redisUrl,
    FATHOM_MODULES: modules,
    FATHOM_SEED: 'on',
    NODE_ENV: 'production',
  });
  try {
    await group.worker();
    // One after another: where other work runs, seven that start at once are all too late.
    for (const subgraph of subgraphs) await group.subgraph(subgraph);
    const urls = [await group.gateway(), await group.gateway([], 'second-gateway')] as const;
    const run = await startSteadyRun(urls[0], everyMs);
    try {
      return await measure(group, { name, urls, id: run.id, size });
    } finally {
      await run.end();
    }
  } finally {
    await group.remove();
  }
}

interface Measured {
  readonly name: string;
  readonly urls: readonly string[];
  readonly id: string;
  readonly size: number;
}

async function measure(group: ProcessGroup, { name, urls, id, size }: Measured): Promise<Row> {
  const quiet = await spent(group, quietMs);
  const audience = await Audience.open(
    urls.map((url) => ({
      url,
      query: followed,
      variables: { id, after: 0 },
      subscribers: size,
      openings,
    })),
  );
  try {
    audience.begin();
    const busy = await spent(group, windowMs);
    const seen = await audience.end();
    return figures(name, size * urls.length, { busy, quiet, seen });
  } finally {
    await audience.close();
  }
}

/** CPU milliseconds of each part in so many milliseconds. */
async function spent(group: ProcessGroup, ms: number): Promise<Spent> {
  const before = now(group);
  await delay(ms);
  const after = now(group);
  return {
    gateways: after.gateways - before.gateways,
    subgraphs: after.subgraphs - before.subgraphs,
    worker: after.worker - before.worker,
  };
}

function now(group: ProcessGroup): Spent {
  const of = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + cpuMs(group.pidOf(name)), 0);
  return {
    gateways: of(parts.gateways),
    subgraphs: of(parts.subgraphs),
    worker: of(parts.worker),
  };
}

function figures(
  name: string,
  subscribers: number,
  at: { readonly busy: Spent; readonly quiet: Spent; readonly seen: readonly Seen[] },
): Row {
  const latencies = at.seen.flatMap((one) => one.latencies);
  const delivered = latencies.length;
  const expected = (subscribers * windowMs) / everyMs;
  const each = (ms: number): number => rounded((ms * 1000) / delivered, 1);
  const all = ({ gateways, subgraphs: behind, worker }: Spent): number =>
    gateways + behind + worker;
  return {
    name,
    delivered,
    ofDue: rounded(delivered / expected, 2),
    reopened: at.seen.reduce((sum, one) => sum + one.reopened, 0),
    gaps: at.seen.reduce((sum, one) => sum + one.gaps, 0),
    apart: Math.max(...at.seen.map((one) => one.spread)),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    gatewaysUs: each(at.busy.gateways),
    subgraphsUs: each(at.busy.subgraphs),
    workerUs: each(at.busy.worker),
    addedUs: each(all(at.busy) - (all(at.quiet) * windowMs) / quietMs),
  };
}

function presented(rows: readonly Row[], { version }: PostgresServer): Result {
  const p99 = (name: string): number =>
    Number(rows.find((row) => row.name === name)?.['p99Ms'] ?? NaN);
  return {
    about: `Subscribers of one run through two gateways, an event every ${everyMs} ms, a window of ${windowMs / 1000} s; from the event's time to its receipt, ms; CPU µs of the processes per delivered event, and what of their sum is more than without subscribers; ofDue: what came of what was due in the window. ${version.split(' ').slice(0, 2).join(' ')}.`,
    rows,
    ours: Object.fromEntries(rows.map((row) => [row.name, row])),
    peers: {},
    ratios: Object.fromEntries(
      onEachGateway.map((size) => [
        `p99 with Redis to without, 2 x ${size}`,
        ratio(p99(`${withRedis}, 2 x ${size}`), p99(`${without}, 2 x ${size}`)),
      ]),
    ),
  };
}
