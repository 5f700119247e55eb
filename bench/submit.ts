import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import 'reflect-metadata';
import { Pool } from 'pg';
import { localOwner } from '../domain/actor.ts';
import { readConfig } from '../server/config.ts';
import { subgraphNames } from '../server/graph.ts';
import { type Installation, openInstallation } from '../server/installation.ts';
import { seed } from '../server/seed.ts';
import { openPostgresServer, type PostgresServer } from '../test/real/postgres-server.ts';
import { root } from './process.ts';
import { quantile, ratio, type Result, rounded, type Row } from './result.ts';

const rounds = 3;
const perRound = { alone: 150, together: 600 } as const;
const together = 50;

interface Contender {
  readonly name: string;
  /** One that is durable when it resolves. */
  readonly accept: (at: number) => Promise<unknown>;
}

/**
 * Runs accepted durably, each with its idempotency key, its first events and its place in the work queue, by the service
 * itself in this process; beside single inserts of a row of the same size, by the same clients, in the same minutes.
 */
export async function submit(): Promise<Result> {
  const server = await openPostgresServer();
  const folder = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
  const installations: Installation[] = [];
  const pool = new Pool({ connectionString: server.url, max: 10 });
  const file = new DatabaseSync(join(folder, 'plain.db'));
  try {
    const embedded = await openAt(join(folder, 'embedded'), null);
    installations.push(embedded.installation);
    const postgres = await openAt(join(folder, 'postgres'), await server.schema());
    installations.push(postgres.installation);
    await pool.query('create table plain (id text primary key, doc text not null)');
    file.exec(`pragma journal_mode = wal; pragma synchronous = full;
      create table plain (id text primary key, doc text not null)`);
    const insert = file.prepare('insert into plain values (?, ?)');
    const doc = 'x'.repeat(1_200);
    const contenders: readonly Contender[] = [
      { name: 'fathom, embedded', accept: embedded.accept },
      { name: 'fathom, PostgreSQL', accept: postgres.accept },
      {
        name: 'SQLite, one insert',
        accept: async (at) => insert.run(`${at}`, doc),
      },
      {
        name: 'PostgreSQL, one insert',
        accept: (at) =>
          pool.query({
            name: 'plain',
            text: 'insert into plain values ($1, $2)',
            values: [`${at}`, doc],
          }),
      },
    ];
    return present(await measure(contenders), server);
  } finally {
    for (const one of installations) await one.close();
    await pool.end();
    file.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function openAt(
  stateFolder: string,
  databaseUrl: string | null,
): Promise<Contender & { readonly installation: Installation }> {
  const config = { ...readConfig(root, { FATHOM_STATE: stateFolder }), databaseUrl };
  const installation = await openInstallation({
    config,
    root,
    log: () => undefined,
    dataUrl: () => 'http://127.0.0.1',
    access: 'exclusive',
  });
  const { services, at } = installation;
  await seed({ services, config, subgraphs: subgraphNames });
  const module = await at.store.modules.find({ where: { slug: 'tabular-classifier' } });
  const dataset = await at.store.datasets.find({ where: { name: 'iris' } });
  if (!module?.latestVersionId || !dataset?.latestVersionId) throw new Error('Nothing to train.');
  const request = {
    name: null,
    moduleVersionId: module.latestVersionId,
    datasetVersionId: dataset.latestVersionId,
    splitId: null,
    arguments: {},
    seed: 1,
    resources: {},
    backend: null,
    resumeFrom: null,
  };
  return {
    name: '',
    installation,
    accept: (number) =>
      services.trainingRuns.create(localOwner, { ...request, idempotencyKey: `key-${number}` }),
  };
}

interface Figures {
  readonly alone: number[];
  readonly latencies: number[];
  readonly together: number[];
  /** Of this process, for one of those together. */
  readonly cpuMs: number[];
}

/** In turn, so that a machine that slows down slows all of them; the first round warms up and is thrown away. */
async function measure(contenders: readonly Contender[]): Promise<ReadonlyMap<string, Figures>> {
  const figures = new Map<string, Figures>();
  let made = 0;
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, accept } of contenders) {
      const own = figures.get(name) ?? { alone: [], latencies: [], together: [], cpuMs: [] };
      if (round > 0) figures.set(name, own);
      own.alone.push(
        await rate(perRound.alone, 1, async () => {
          const started = performance.now();
          await accept((made += 1));
          own.latencies.push(performance.now() - started);
        }),
      );
      const before = process.cpuUsage();
      own.together.push(await rate(perRound.together, together, () => accept((made += 1))));
      const { user, system } = process.cpuUsage(before);
      own.cpuMs.push((user + system) / 1_000 / perRound.together);
    }
  }
  return figures;
}

/** How many in a second. */
async function rate(count: number, atOnce: number, one: () => Promise<unknown>): Promise<number> {
  let left = count;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        await one();
      }
    }),
  );
  return (count * 1000) / (performance.now() - started);
}

function present(figures: ReadonlyMap<string, Figures>, { version }: PostgresServer): Result {
  const rows: Row[] = [...figures].map(([name, { alone, latencies, together: all, cpuMs }]) => ({
    name,
    'one after the other /s': rounded(quantile(alone, 0.5), 0),
    'p50 ms': rounded(quantile(latencies, 0.5), 2),
    'p99 ms': rounded(quantile(latencies, 0.99), 2),
    [`${together} at once /s`]: rounded(quantile(all, 0.5), 0),
    'client CPU ms': rounded(quantile(cpuMs, 0.5), 2),
  }));
  const at = (row: Row | undefined): number => Number(row?.[`${together} at once /s`]);
  const [embedded, postgres, sqlite, plain] = rows;
  return {
    about: `Training runs accepted durably (idempotency key, run, two events, work), by the service; beside single inserts of 1.2 KB. Median of ${rounds} rounds. ${version.split(' ').slice(0, 2).join(' ')} on loopback, SQLite in a folder, both synchronous.`,
    rows,
    ours: { embedded, postgres },
    peers: { sqlite, postgres: plain },
    ratios: {
      'embedded to one insert of SQLite': ratio(at(embedded), at(sqlite)),
      'PostgreSQL to one insert of PostgreSQL': ratio(at(postgres), at(plain)),
    },
  };
}
