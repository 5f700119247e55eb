import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemActor } from '../../../domain/actor.ts';
import type { Json } from '../../../domain/json.ts';
import type { Module } from '../../../domain/module.ts';
import type { Store } from '../../../store/contract/store.ts';
import type { TableName } from '../../../store/contract/table.ts';
import { run, sweep } from '../store-samples.ts';

/** What a recorded database holds. */
export interface StoreState {
  /** One entity of each table there was. */
  readonly entities: { readonly [table: string]: { readonly id: string } | undefined };
  readonly modules: readonly Module[];
  readonly log: readonly Json[];
}

/** Versions whose tables were recorded. */
export async function recordedVersions(): Promise<readonly string[]> {
  const entries = await readdir(import.meta.dirname, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

export function recorded(version: string, file: string): Promise<string> {
  return readFile(join(import.meta.dirname, version, file), 'utf8');
}

/** Runs of before are of no sweep; those of one are counted and listed beside them. */
async function goesOnWithSweeps(store: Store): Promise<void> {
  const old = await store.trainingRuns.count({ where: { sweepId: null } });
  expect(old).toBe(await store.trainingRuns.count({}));
  const made = sweep();
  await store.transaction(async (tx) => {
    await tx.sweeps.insert(made);
    for (const sweepNumber of [1, 2]) {
      await tx.trainingRuns.insert(
        run({ sweepId: made.id, sweepNumber, number: 900 + sweepNumber }),
      );
    }
  });
  const counts = await store.trainingRuns.countEachBy('sweepId', [made.id], 'state', {});
  expect(Object.fromEntries(counts.get(made.id) ?? [])).toEqual({ QUEUED: 2 });
  expect(await store.trainingRuns.count({ where: { sweepId: null } })).toBe(old);
}

/** Everything is there, and goes on from where it was. */
export async function expectState(store: Store, state: StoreState): Promise<void> {
  for (const [table, entity] of Object.entries(state.entities)) {
    if (entity === undefined) continue;
    expect(await store[table as TableName].get(entity.id)).toEqual(entity);
    expect(await store[table as TableName].count({})).toBe(1);
  }
  expect(await store.modules.getMany(state.modules.map(({ id }) => id))).toEqual(state.modules);
  const found = await store.moduleSearch.page(
    {
      search: 'plank',
      facets: { TAG: ['sea'] },
      trainable: true,
      valid: true,
      orderBy: 'RELEVANCE',
      direction: 'DESC',
      visibleTo: systemActor,
    },
    { first: 10 },
  );
  expect(found.items.map(({ node }) => node.slug)).toEqual(['first']);
  expect(await store.events.read('run_1', 0, 10)).toEqual([
    { aggregateId: 'run_1', sequence: 1, at: 5, event: { type: 'trainingRun.accepted' } },
    {
      aggregateId: 'run_1',
      sequence: 2,
      at: 5,
      event: { type: 'trainingRun.cancelRequested', by: 'alice' },
    },
  ]);
  const log = await store.streams.read('run_1/log', 0, 10);
  expect(log.map(({ value }) => value)).toEqual(state.log);
  expect((await store.streams.stat('run_1/log')).ended).toBe(true);
  expect(await store.work.nextDue(['run'])).toBe(7);
  await store.transaction(async (tx) => {
    const claimed = await tx.idempotency.claim('alice create', 'key', 'other');
    expect(claimed).toEqual({ inputDigest: 'digest', answer: { id: 'run_1' } });
    expect(await tx.nextNumber('trainingRun')).toBe(2);
    await tx.events.append('run_1', 6, [{ type: 'trainingRun.accepted' }]);
    const [one] = state.modules;
    if (one !== undefined) await tx.modules.update({ ...one, version: 2, title: 'Zebra' });
  });
  expect(await store.events.head('run_1')).toBe(3);
  await goesOnWithSweeps(store);
}
