import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localOwner } from '../domain/actor.ts';
import { newId } from '../domain/ids.ts';
import type { TrainingRun } from '../domain/training-run.ts';
import type { Store } from '../store/contract/store.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';
import { openPostgresStore } from '../store/postgres/postgres-store.ts';
import { openPostgresServer } from '../test/real/postgres-server.ts';
import { runAt } from './catalogue.ts';
import { quantile, ratio, type Result, rounded, type Row } from './result.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };
const pageSize = 100;
const asked = 200;
/** `--runs 1000000` for the full size. */
const runs = Number(process.argv[process.argv.indexOf('--runs') + 1]) || 100_000;

/** The first page of a person's runs, and one in the middle of all, by its cursor. */
export async function pages(): Promise<Result> {
  const server = await openPostgresServer();
  const folder = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
  const stores: Store[] = [];
  try {
    const embedded = await openEmbeddedStore({ folder, ambient });
    stores.push(embedded);
    const postgres = await openPostgresStore({ url: await server.schema(), ambient });
    stores.push(postgres);
    const rows = [
      ...(await measure('embedded', embedded)),
      ...(await measure('PostgreSQL', postgres, () => server.execute('analyze'))),
    ];
    const p50 = (name: string): number => Number(rows.find((row) => row.name === name)?.['p50 ms']);
    return {
      about: `Pages of ${pageSize} of ${runs} runs, newest first, those that a person may see; ${asked} times each, one after the other.`,
      rows,
      ours: Object.fromEntries(rows.map((row) => [row.name, row])),
      peers: {},
      ratios: Object.fromEntries(
        ['embedded', 'PostgreSQL'].map((name) => [
          `${name}, deep to first`,
          ratio(p50(`${name}, page ${deep() + 1}`), p50(`${name}, page 1`)),
        ]),
      ),
    };
  } finally {
    for (const store of stores) await store.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function deep(): number {
  return Math.floor(runs / pageSize / 2);
}

async function measure(
  name: string,
  store: Store,
  settled: () => Promise<unknown> = async () => undefined,
): Promise<readonly Row[]> {
  await fill(store);
  await settled();
  const page = (after: string | undefined) =>
    store.trainingRuns.page(
      { visibleTo: localOwner },
      { first: pageSize, ...(after === undefined ? {} : { after }) },
    );
  let cursor: string | undefined;
  for (let at = 0; at < deep(); at += 1) cursor = (await page(cursor)).items.at(-1)?.cursor;
  const figures: Row[] = [];
  for (const [label, after] of [
    [`${name}, page 1`, undefined],
    [`${name}, page ${deep() + 1}`, cursor],
  ] as const) {
    const times: number[] = [];
    for (let at = 0; at < asked; at += 1) {
      const started = performance.now();
      const { items } = await page(after);
      times.push(performance.now() - started);
      if (items.length !== pageSize) throw new Error(`A page of ${items.length}.`);
    }
    figures.push({
      name: label,
      'p50 ms': rounded(quantile(times, 0.5), 2),
      'p99 ms': rounded(quantile(times, 0.99), 2),
    });
  }
  const started = performance.now();
  const count = await store.trainingRuns.count({ visibleTo: localOwner });
  if (count !== runs) throw new Error(`There are ${count} runs.`);
  figures.push({
    name: `${name}, count`,
    'p50 ms': rounded(performance.now() - started, 2),
    'p99 ms': NaN,
  });
  return figures;
}

async function fill(store: Store): Promise<void> {
  const moduleVersionId = newId('ModuleVersion', 1, ambient.random);
  const started = Date.now() - runs * 10;
  for (let from = 0; from < runs; from += 500) {
    await store.transaction(async (tx) => {
      for (let at = from; at < Math.min(runs, from + 500); at += 1) {
        const owner: Pick<TrainingRun, 'owner'> = { owner: localOwner.subject };
        await tx.trainingRuns.insert({
          ...runAt(moduleVersionId, at + 1, started + at * 10),
          ...owner,
        });
      }
    });
  }
}
