import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { AttemptState, TrainingRun } from '../../../domain/training-run.ts';
import { isNews, survey } from '../../../services/training/survey.ts';
import { trainingRunWork } from '../../../services/training/work-kinds.ts';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { attempt, run } from '../../contract/store-samples.ts';
import { MemoryJobs } from '../../fakes/memory-jobs.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };
const later = 2_000_000_000_000;

describe('what happened while nobody looked', () => {
  let folder = '';
  let store: Store;
  let site: MemoryJobs;
  let backends: readonly Backend[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-survey-'));
    store = await openEmbeddedStore({ folder, ambient });
    site = new MemoryJobs('site');
    backends = [site];
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  const seen = (): Promise<void> =>
    survey(
      {
        store,
        backends: {
          get: (name) => backends.find((one) => one.name === name) ?? null,
          all: () => backends,
        },
      },
      new AbortController().signal,
    );
  /** Runs that are looked at much later, each with a job that runs. */
  async function runs(count: number, at: MemoryJobs, state: 'RUNNING' | 'PLACED' = 'RUNNING') {
    const all = Array.from({ length: count }, () => run({ state, backend: at.name }));
    const attempts = await Promise.all(
      all.map(async ({ id }) => {
        const options = { key: `${id}-1`, signal: AbortSignal.timeout(1_000) };
        const handle = state === 'RUNNING' ? await at.jobs.submit({} as never, options) : null;
        return attempt({
          runId: id,
          number: 1,
          backend: at.name,
          state,
          handle: handle && { ...handle },
        });
      }),
    );
    for (const job of at.inMemory.values()) job.phase = 'RUNNING';
    await store.transaction(async (tx) => {
      await tx.trainingRuns.insertMany(all);
      await tx.attempts.insertMany(attempts);
      await tx.enqueueMany(
        trainingRunWork,
        all.map(({ id }) => id),
        later,
      );
    });
    return all;
  }
  const jobOf = (at: MemoryJobs, { id }: TrainingRun) => {
    const job = at.inMemory.get(`${id}-1`);
    if (job === undefined) throw new Error('There is no job.');
    return job;
  };
  async function due(): Promise<readonly string[]> {
    const request = { kinds: [trainingRunWork], worker: 'one', now: 0, leaseMs: 1, limit: 1_000 };
    return (await store.work.claim(request)).map(({ key }) => key).toSorted();
  }
  const idsOf = (all: readonly (TrainingRun | undefined)[]) =>
    all.map((one) => one?.id ?? '').toSorted();

  test('is looked at first, and nothing is done about what is as it was', async () => {
    const all = await runs(600, site);
    const placed = await runs(2, site, 'PLACED');
    const [ended, gone, , last] = [all[3], all[300], all[400], all[599]];
    for (const one of [ended, last]) if (one !== undefined) jobOf(site, one).phase = 'ENDED';
    site.inMemory.delete(`${gone?.id ?? ''}-1`);
    site.calls.length = 0;
    await seen();
    expect(site.calls).toEqual(['inspectMany', 'inspectMany', 'inspectMany']);
    expect(await due()).toEqual(idsOf([ended, gone, last, ...placed]));
    const ids = all.map(({ id }) => id);
    expect(await store.trainingRuns.getMany(ids)).toEqual(all);
  });

  test('at a backend that does not answer is left to the looks, which ask again', async () => {
    const other = new MemoryJobs('other');
    backends = [site, other];
    const own = await runs(300, site);
    const [change] = await runs(300, other);
    for (const one of own) jobOf(site, one).phase = 'ENDED';
    if (change !== undefined) jobOf(other, change).phase = 'ENDED';
    site.failure = (operation) => new BackendError('Unavailable', operation, 'It is away.');
    site.calls.length = 0;
    await seen();
    expect(site.calls).toEqual(['inspectMany']);
    expect(await due()).toEqual(idsOf([change]));
  });

  test('at a backend that tells of each job by itself is left to the looks', async () => {
    const [change] = await runs(10, site);
    if (change !== undefined) jobOf(site, change).phase = 'ENDED';
    delete site.jobs.inspectMany;
    site.calls.length = 0;
    await seen();
    expect(site.calls).toEqual([]);
    expect(await due()).toEqual([]);
  });

  test('of runs that somebody looks at is looked at when those look no more', async () => {
    const [change] = await runs(3, site);
    if (change !== undefined) jobOf(site, change).phase = 'ENDED';
    const now = later;
    const request = { kinds: [trainingRunWork], worker: 'two', now, leaseMs: 10, limit: 10 };
    const leases = await store.work.claim(request);
    await seen();
    expect(await due()).toEqual([]);
    for (const lease of leases) await store.work.release(lease, later);
    expect(await due()).toEqual(idsOf([change]));
  });
});

test.each<readonly [AttemptState, 'PENDING' | 'RUNNING' | 'ENDED' | 'UNKNOWN' | null, boolean]>([
  ['RUNNING', 'RUNNING', false],
  ['EVALUATING', 'RUNNING', false],
  ['CANCELLING', 'RUNNING', false],
  ['PENDING', 'RUNNING', true],
  ['PENDING', 'PENDING', false],
  ['SUBMITTED', 'PENDING', true],
  ['CANCELLING', 'PENDING', false],
  ['RUNNING', 'UNKNOWN', false],
  ['CANCELLING', 'ENDED', true],
  ['RUNNING', null, true],
])('of an attempt that is %s, a job that is %s is news: %s', (state, phase, isSo) => {
  expect(isNews(state, phase === null ? null : { phase })).toBe(isSo);
});
