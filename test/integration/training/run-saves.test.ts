import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FathomError } from '../../../domain/errors.ts';
import type { TrainingRun } from '../../../domain/training-run.ts';
import { RunRecord } from '../../../services/training/run-record.ts';
import { type RunSave, RunSaves } from '../../../services/training/run-saves.ts';
import {
  logStream,
  metricStream,
  releaseWork,
  trainingRunWork,
} from '../../../services/training/work-kinds.ts';
import type { Store } from '../../../store/contract/store.ts';
import type { Lease } from '../../../store/contract/work.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { attempt, run } from '../../contract/store-samples.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

describe('what looks brought', () => {
  let folder = '';
  let store: Store;
  let transactions = 0;
  let failure: Error | null = null;
  let saves: RunSaves;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-saves-'));
    store = await openEmbeddedStore({ folder, ambient });
  });
  beforeEach(() => {
    transactions = 0;
    failure = null;
    const counted: Pick<Store, 'transaction'> = {
      transaction: (work, hints) => {
        transactions += 1;
        return failure === null ? store.transaction(work, hints) : Promise.reject(failure);
      },
    };
    saves = new RunSaves({ store: counted as Store });
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs that are looked at now, each with an attempt that has a handle. */
  async function looked(count: number): Promise<readonly RunSave[]> {
    const all = Array.from({ length: count }, () => {
      const one = run({ state: 'RUNNING', attempts: 1 });
      const handle = { backend: 'there', version: 1, native: {} };
      return { one, own: attempt({ runId: one.id, number: 1, state: 'RUNNING', handle }) };
    });
    await store.transaction(async (tx) => {
      await tx.trainingRuns.insertMany(all.map(({ one }) => one));
      await tx.attempts.insertMany(all.map(({ own }) => own));
      const keys = all.map(({ one }) => one.id);
      await tx.enqueueMany(trainingRunWork, keys, 0);
    });
    const leases = await claim();
    return all.map(({ one, own }) => {
      const lease = leases.get(one.id);
      if (lease === undefined) throw new Error('It was not claimed.');
      return { record: new RunRecord(one, own, 5), lease, now: 5, ends: false };
    });
  }

  async function claim(): Promise<ReadonlyMap<string, Lease>> {
    const [kinds, now] = [[trainingRunWork], Date.now()];
    const request = { kinds, worker: 'one', now, leaseMs: 60_000, limit: 1_000 };
    return new Map((await store.work.claim(request)).map((lease) => [lease.key, lease]));
  }

  const stored = async ({ record }: RunSave): Promise<TrainingRun | null> =>
    store.trainingRuns.get(record.run.id);
  /** `saved`, or the name or code of why not. */
  const told = async (all: readonly RunSave[]): Promise<readonly string[]> =>
    Promise.all(
      all.map((save) =>
        saves.save(save).then(
          () => 'saved',
          (error: unknown) => (error instanceof FathomError ? error.code : (error as Error).name),
        ),
      ),
    );
  const succeed = ({ record }: RunSave): void => {
    const outcome = { code: 'OK', message: 'Done.', exitCode: 0, signal: null } as const;
    record.moveAttempt('SUCCEEDED', 'ended', outcome);
    record.move('SUCCEEDED', null, outcome);
  };

  test('is written in few transactions, to each run its own', async () => {
    const all = await looked(100);
    const line = (text: string) => ({ at: 1, stream: 'STDOUT', text, attempt: 1 });
    const [talks, ends] = [all[3], all[4]];
    if (talks === undefined || ends === undefined) throw new Error('There are none.');
    for (const [at, { record }] of all.entries()) record.patch({ metrics: { at } });
    succeed(ends);
    const more = { log: [line('a'), line('b')], metrics: [{ name: 'x', value: 1 }] };
    const said = await told(
      all.map((save) => (save === talks ? { ...save, ...more } : { ...save, ends: save === ends })),
    );
    expect(new Set(said)).toEqual(new Set(['saved']));
    expect(transactions).toBeLessThanOrEqual(3);
    for (const [at, save] of all.entries()) {
      expect(await stored(save)).toMatchObject({ metrics: { at }, version: 2, updatedAt: 5 });
    }
    const { id } = talks.record.run;
    expect(await store.streams.stat(logStream(id))).toMatchObject({ head: 2, ended: false });
    expect(await store.streams.stat(metricStream(id))).toMatchObject({ head: 1, ended: false });
    const { run: over, attempt: last } = ends.record;
    expect(await stored(ends)).toMatchObject({ state: 'SUCCEEDED' });
    const types = (await store.events.read(over.id, 0, 10)).map(({ event }) => event.type);
    expect(types).toContain('trainingRun.attemptChanged');
    for (const stream of [logStream(over.id), metricStream(over.id)]) {
      expect(await store.streams.stat(stream)).toMatchObject({ head: 0, ended: true });
    }
    const claimed = { kinds: [releaseWork], worker: 'one', now: 10, leaseMs: 1, limit: 10 };
    expect((await store.work.claim(claimed)).map(({ key }) => key)).toEqual([last?.id]);
  });

  test('under a lease that is lost is not written, and nobody else is kept from it', async () => {
    const all = await looked(5);
    const [lost] = all;
    if (lost === undefined) throw new Error('There are none.');
    await store.work.release(lost.lease, 0);
    await claim();
    for (const { record } of all) record.patch({ name: 'new' });
    expect(await told(all)).toEqual(['LeaseLostError', 'saved', 'saved', 'saved', 'saved']);
    expect(transactions).toBe(1);
    expect(await stored(lost)).toEqual({ ...lost.record.run, name: 'a run' });
  });

  test('of a run that somebody changed meanwhile is refused, and the others are written', async () => {
    const all = await looked(5);
    const late = all[2];
    if (late === undefined) throw new Error('There are none.');
    const other = new RunRecord(late.record.run, null, 4);
    other.patch({ cancelRequestedAt: 4 });
    await store.transaction((tx) => other.save(tx));
    for (const { record } of all) record.patch({ name: 'new' });
    expect(await told(all)).toEqual(['saved', 'saved', 'VERSION_CONFLICT', 'saved', 'saved']);
    expect(await stored(late)).toMatchObject({ name: 'a run', cancelRequestedAt: 4 });
    for (const save of all.filter((one) => one !== late)) {
      expect(await stored(save)).toMatchObject({ name: 'new', version: 2 });
    }
  });

  test('is refused to all at once when the store is in trouble', async () => {
    const all = await looked(5);
    for (const { record } of all) record.patch({ name: 'new' });
    failure = new FathomError('STORAGE_FULL', 'The disk is full.');
    expect(await told(all)).toEqual(Array.from({ length: 5 }, () => 'STORAGE_FULL'));
    expect(transactions).toBe(1);
    failure = null;
    expect(await told(all)).toEqual(Array.from({ length: 5 }, () => 'saved'));
  });
});
