import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import type { SweepEvent } from '../../../domain/event.ts';
import type { Capabilities } from '../../../backends/contract/backend.ts';
import type { Sweep } from '../../../domain/sweep.ts';
import type { TrainingRun } from '../../../domain/training-run.ts';
import type { CreateSweep } from '../../../services/sweeps/create-sweep.ts';
import { memberEnded } from '../../../services/sweeps/member-ended.ts';
import { end, type MemoryJob, MemoryJobs } from '../../fakes/memory-jobs.ts';
import { request, TrainingSite } from './site.ts';

let site: TrainingSite;
let count = 0;

beforeAll(async () => {
  site = await TrainingSite.create();
});

afterAll(() => site.destroy());

/** A backend of its own for each test. */
function add(more: Partial<Capabilities> = {}): MemoryJobs {
  const backend = new MemoryJobs(`site-${(count += 1)}`, more);
  site.others.push(backend);
  return backend;
}

const epochs = (...values: readonly number[]) =>
  ({
    strategy: 'GRID',
    parameters: [{ argument: 'epochs', values, range: null }],
    trials: null,
  }) as const;

async function wish(more: Partial<CreateSweep> = {}): Promise<CreateSweep> {
  const [version, data] = [await site.module(''), await site.data()];
  return {
    ...request,
    moduleVersionId: version.id,
    datasetVersionId: data.id,
    space: epochs(1, 2, 3),
    objective: { metric: 'loss', goal: 'MINIMIZE' },
    atOnce: null,
    ...more,
  };
}

async function start(backend: MemoryJobs, more: Partial<CreateSweep> = {}): Promise<Sweep> {
  return site.sweeps.create(localOwner, await wish({ backend: backend.name, ...more }));
}

const patient = { timeout: 20_000, interval: 20 };

async function now(sweep: Sweep): Promise<Sweep> {
  const found = await site.sweeps.getBy(localOwner, { id: sweep.id, number: null });
  if (found === null) throw new Error('The sweep is gone.');
  return found;
}

async function runs(sweep: Sweep): Promise<readonly TrainingRun[]> {
  const page = (await site.sweeps.runsOf([sweep.id], { first: 100 })).get(sweep.id);
  return page?.items.map(({ node }) => node) ?? [];
}

const states = async (sweep: Sweep) => (await runs(sweep)).map(({ state }) => state);

const until = (sweep: Sweep, wanted: object) =>
  expect.poll(() => now(sweep), patient).toMatchObject(wanted);

/** Every event of it, to its end. */
async function events(sweep: Sweep, after = 0): Promise<readonly SweepEvent[]> {
  const told: SweepEvent[] = [];
  let sequence = after;
  for await (const event of await site.sweeps.followEvents(localOwner, sweep.id, after)) {
    expect(event.sequence).toBe((sequence += 1));
    told.push(event.event);
  }
  return told;
}

/** The job of a run that is there, or will be. */
async function jobOf(backend: MemoryJobs, run: TrainingRun | undefined): Promise<MemoryJob> {
  const key = `${run?.id ?? ''}-1`;
  await expect.poll(() => backend.inMemory.has(key), patient).toBe(true);
  const job = backend.inMemory.get(key);
  if (job === undefined) throw new Error(`There is no job ${key}.`);
  return job;
}

async function endWith(backend: MemoryJobs, run: TrainingRun | undefined, loss: number) {
  end(await jobOf(backend, run), {}, { loss });
}

describe('a sweep', () => {
  test('becomes a run for each combination, compared by its metric', async () => {
    const backend = add();
    const sweep = await start(backend, { seed: 11, name: 'rates' });
    expect(sweep).toMatchObject({ state: 'QUEUED', trials: 3, best: null, finishedAt: null });
    const [one, two, three] = await runs(sweep);
    expect([one, two, three].map((run) => [run?.name, run?.arguments, run?.seed])).toEqual([
      ['rates-1', { epochs: 1 }, 11],
      ['rates-2', { epochs: 2 }, 11],
      ['rates-3', { epochs: 3 }, 11],
    ]);
    await until(sweep, { state: 'RUNNING', letOn: 3, underWay: 3 });
    await endWith(backend, two, 0.5);
    await until(sweep, { best: { runId: two?.id, value: 0.5 }, underWay: 2 });
    end(await jobOf(backend, one), { code: 3 });
    await until(sweep, { ended: { SUCCEEDED: 1, FAILED: 1 } });
    await endWith(backend, three, 0.25);
    const told = await events(sweep);
    expect(await now(sweep)).toMatchObject({
      state: 'SUCCEEDED',
      best: { runId: three?.id, number: 3, value: 0.25 },
      underWay: 0,
      ended: { SUCCEEDED: 2, FAILED: 1, CANCELLED: 0, LOST: 0 },
    });
    expect((await now(sweep)).finishedAt).not.toBeNull();
    const previous = { runId: two?.id, number: 2, value: 0.5 };
    const best = { runId: three?.id, number: 3, value: 0.25 };
    expect(told).toEqual([
      { type: 'sweep.accepted', trials: 3 },
      { type: 'sweep.stateChanged', from: null, to: 'QUEUED', reason: null },
      { type: 'sweep.stateChanged', from: 'QUEUED', to: 'RUNNING', reason: null },
      ended(two, 'SUCCEEDED', 0.5, 1),
      { type: 'sweep.bestChanged', best: previous, previous: null },
      ended(one, 'FAILED', null, 2),
      ended(three, 'SUCCEEDED', 0.25, 3),
      { type: 'sweep.bestChanged', best, previous },
      {
        type: 'sweep.stateChanged',
        from: 'RUNNING',
        to: 'SUCCEEDED',
        reason: 'Of 3 runs 2 succeeded, 1 failed.',
      },
    ]);
    expect(await events(sweep, 4)).toEqual(told.slice(4));
  });

  test('keeps to how many may run at the same time, on a backend that knows no arrays', async () => {
    const backend = add();
    const sweep = await start(backend, { atOnce: 2, space: epochs(1, 2, 3, 4, 5) });
    const all = await runs(sweep);
    expect(all.map(({ waiting }) => waiting?.code)).toEqual([
      'DISPATCHING',
      'DISPATCHING',
      'SWEEP_LIMIT',
      'SWEEP_LIMIT',
      'SWEEP_LIMIT',
    ]);
    for (const [at, run] of all.entries()) {
      await jobOf(backend, run);
      await expect.poll(() => states(sweep), patient).toContain('RUNNING');
      const live = [...backend.inMemory.values()].filter(({ phase }) => phase !== 'ENDED');
      expect(live.length).toBeLessThanOrEqual(2);
      expect((await now(sweep)).underWay).toBeLessThanOrEqual(2);
      await endWith(backend, run, at);
      await until(sweep, { ended: { SUCCEEDED: at + 1 } });
    }
    await until(sweep, { state: 'SUCCEEDED', letOn: 5, underWay: 0, best: { number: 1 } });
    expect(backend.made.size).toBe(5);
  });

  test('says why nothing of it runs, and nothing once something does', async () => {
    const backend = add();
    backend.failure = () => new BackendError('Unavailable', 'submit', 'No route.');
    const sweep = await start(backend, { atOnce: 1 });
    const why = async () => (await site.sweeps.waitingOf([await now(sweep)])).get(sweep.id);
    await expect.poll(why, patient).toMatchObject({
      code: 'BACKEND_UNREACHABLE',
      message: `None of its 3 runs is running: ${backend.name}: No route.`,
    });
    backend.failure = () => null;
    await expect.poll(why, patient).toBeUndefined();
    await endWith(backend, (await runs(sweep))[0], 1);
    await site.sweeps.cancel(localOwner, sweep.id);
    await until(sweep, { state: 'CANCELLED' });
    expect(await why()).toBeUndefined();
  });

  test('counts its runs by state', async () => {
    const backend = add();
    const sweep = await start(backend, { atOnce: 1 });
    const counts = async () =>
      Object.fromEntries((await site.sweeps.runCounts([sweep.id])).get(sweep.id) ?? []);
    await expect.poll(counts, patient).toEqual({ QUEUED: 2, RUNNING: 1 });
    await endWith(backend, (await runs(sweep))[0], 1);
    await expect.poll(counts, patient).toEqual({ QUEUED: 1, RUNNING: 1, SUCCEEDED: 1 });
    await site.sweeps.cancel(localOwner, sweep.id);
    await expect.poll(counts, patient).toEqual({ SUCCEEDED: 1, CANCELLED: 2 });
  });

  test('is started once for one idempotency key', async () => {
    const backend = add();
    const asked = await wish({ backend: backend.name, idempotencyKey: 'once', atOnce: 1 });
    const before = await site.at.store.trainingRuns.count({});
    const all = await Promise.all(
      Array.from({ length: 8 }, () => site.sweeps.create(localOwner, asked)),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    expect(await site.at.store.trainingRuns.count({})).toBe(before + 3);
    await expect(
      site.sweeps.create(localOwner, { ...asked, space: epochs(1) }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
    const [sweep] = all;
    if (sweep !== undefined) await site.sweeps.cancel(localOwner, sweep.id);
  });

  test('is refused with every finding at its place, and nothing is written', async () => {
    const { sweeps, trainingRuns } = site.at.store;
    const before = [await sweeps.count({}), await trainingRuns.count({})];
    const asked = await wish({
      name: ' ',
      seed: -1,
      atOnce: 0,
      backend: 'nowhere',
      objective: { metric: '', goal: 'MAXIMIZE' },
      arguments: { colour: 1 },
      space: {
        strategy: 'GRID',
        parameters: [
          { argument: 'epochs', values: [1, 0, 'many'], range: null },
          { argument: 'text', values: ['a', 7], range: null },
        ],
        trials: null,
      },
    });
    const refused = await site.sweeps.create(localOwner, asked).catch((error: unknown) => error);
    const paths = (refused as { errors: readonly { inputPath: readonly string[] }[] }).errors.map(
      ({ inputPath }) => inputPath.join('.'),
    );
    expect(paths.toSorted()).toEqual([
      'arguments.colour',
      'atOnce',
      'backend',
      'name',
      'objective.metric',
      'parameters.0.values.1',
      'parameters.0.values.2',
      'parameters.1.values.1',
      'seed',
    ]);
    expect([await sweeps.count({}), await trainingRuns.count({})]).toEqual(before);
  });

  test.each([
    [
      'varies what all are given',
      { arguments: { epochs: 1 } },
      'arguments.epochs',
      'INVALID_ARGUMENT',
    ],
    [
      'would fill the store with its arguments',
      { arguments: { text: 'x'.repeat(3 * 1024 * 1024) } },
      'arguments',
      'TOO_LARGE',
    ],
  ] as const)('is refused when it %s', async (_what, more, path, code) => {
    const refused = await site.sweeps
      .create(localOwner, await wish(more))
      .catch((error: unknown) => error);
    const { errors } = refused as {
      errors: readonly { code: string; inputPath: readonly string[] }[];
    };
    expect(errors.map((error) => [error.code, error.inputPath.join('.')])).toEqual([[code, path]]);
  });

  test('belongs to whoever made it, and is not there for others', async () => {
    const stranger: Actor = { subject: 'stranger', groups: [], system: false };
    const sweep = await start(add(), { atOnce: 1 });
    const seen = await site.sweeps.getBy(stranger, { id: sweep.id, number: null });
    expect(seen).toBeNull();
    expect(await site.sweeps.getMany(stranger, [sweep.id])).toEqual([null]);
    expect(await site.sweeps.count(stranger, {})).toBe(0);
    for (const call of [
      () => site.sweeps.cancel(stranger, sweep.id),
      () => site.sweeps.followEvents(stranger, sweep.id, 0),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await site.sweeps.cancel(localOwner, sweep.id);
    await until(sweep, { state: 'CANCELLED' });
  });

  test('goes on after a restart where it was', async () => {
    const backend = add();
    const sweep = await start(backend, { atOnce: 1 });
    const [one, two, three] = await runs(sweep);
    await jobOf(backend, one);
    await site.reopen();
    await endWith(backend, one, 3);
    await jobOf(backend, two);
    await site.reopen();
    await endWith(backend, two, 2);
    await endWith(backend, three, 1);
    await until(sweep, { state: 'SUCCEEDED', best: { number: 3 } });
    expect(backend.made.size).toBe(3);
  });
});

describe('a cancelled sweep', () => {
  test('ends what runs and what waits, keeps what had ended, and may be asked again', async () => {
    const backend = add();
    const sweep = await start(backend, { atOnce: 2, space: epochs(1, 2, 3, 4, 5) });
    const [one, two] = await runs(sweep);
    await endWith(backend, one, 1);
    await until(sweep, { ended: { SUCCEEDED: 1 } });
    await jobOf(backend, two);
    const asked = await site.sweeps.cancel(localOwner, sweep.id);
    expect(asked).toMatchObject({ state: 'CANCELLING' });
    expect((await site.sweeps.cancel(localOwner, sweep.id)).cancelRequestedAt).toBe(
      asked.cancelRequestedAt,
    );
    await until(sweep, { state: 'CANCELLED', best: { number: 1 }, underWay: 0 });
    expect(await states(sweep)).toEqual(['SUCCEEDED', ...Array(4).fill('CANCELLED')]);
    // Those that were never let on were never handed over; one whose handle was not noted yet is asked for again.
    expect(backend.made.size).toBeLessThanOrEqual(3);
    const told = await events(sweep);
    const asks = told.filter(({ type }) => type === 'sweep.cancelRequested');
    expect(asks).toEqual([{ type: 'sweep.cancelRequested', by: 'local' }]);
    expect(told.at(-1)).toMatchObject({ type: 'sweep.stateChanged', to: 'CANCELLED' });
    const after = await site.sweeps.cancel(localOwner, sweep.id);
    expect(after).toEqual(await now(sweep));
  });

  test('run by run is told as cancelled, and lets the next on', async () => {
    const backend = add();
    const sweep = await start(backend, { atOnce: 1 });
    const [one, two, three] = await runs(sweep);
    // One that waits is never let on; the one that runs makes room.
    await site.runs.cancel(localOwner, two?.id ?? '');
    await until(sweep, { ended: { CANCELLED: 1 }, underWay: 1 });
    await jobOf(backend, one);
    await site.runs.cancel(localOwner, one?.id ?? '');
    await jobOf(backend, three);
    await site.runs.cancel(localOwner, three?.id ?? '');
    await until(sweep, { state: 'CANCELLED', cancelRequestedAt: null, underWay: 0 });
    expect(backend.made.size).toBe(2);
  });
});

describe('on this machine', () => {
  test('a sweep trains, two at the same time, and its best can be served', async () => {
    const version = await site.module(`
      say({ type: 'metrics', epoch: 1, step: 1, values: { loss: 9 } });
      leave('model/weights', 'weights ' + workload.arguments.epochs);
      const metrics = { loss: Math.abs(workload.arguments.epochs - 2) };
      leave('output.json', JSON.stringify({ metrics, artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }] }));
    `);
    const asked = await wish({ backend: 'local', atOnce: 2 });
    const sweep = await site.sweeps.create(localOwner, { ...asked, moduleVersionId: version.id });
    await until(sweep, { state: 'SUCCEEDED', best: { number: 2, value: 0 }, underWay: 0 });
    const best = (await now(sweep)).best?.runId ?? '';
    const model = await site.at.store.artifacts.find({ where: { runId: best, kind: 'MODEL' } });
    expect(model?.lineage.arguments).toEqual({ epochs: 2 });
  });
});

describe('what the end of a run costs', () => {
  test('does not depend on how many runs its sweep has', async () => {
    const cost = async (trials: number): Promise<number> => {
      const backend = add();
      const space = epochs(...Array.from({ length: trials }, (_, at) => at + 1));
      const sweep = await start(backend, { atOnce: 1, space });
      const [run] = (await site.sweeps.runsOf([sweep.id], { first: 1 })).get(sweep.id)?.items ?? [];
      if (run === undefined) throw new Error('It has no run.');
      const { store } = site.at;
      const last = await store.trainingRuns.get(run.node.id);
      let rows = 0;
      await store
        .transaction(async (tx) => {
          const counting = <T extends object>(table: T): T =>
            new Proxy(table, {
              get: (target, name) => {
                const value: unknown = Reflect.get(target, name);
                if (typeof value !== 'function') return value;
                return async (...given: readonly unknown[]) => {
                  const found: unknown = await (value as (...all: unknown[]) => unknown).apply(
                    target,
                    [...given],
                  );
                  rows += Array.isArray(found) ? found.length : 1;
                  return found;
                };
              },
            });
          const watched = {
            ...tx,
            sweeps: counting(tx.sweeps),
            trainingRuns: counting(tx.trainingRuns),
          };
          await memberEnded(watched, sweep.id, { ...run.node, ...last, state: 'FAILED' }, 1);
          throw new Error('undo');
        })
        .catch((error: unknown) => {
          if (!(error instanceof Error) || error.message !== 'undo') throw error;
        });
      await site.sweeps.cancel(localOwner, sweep.id);
      await until(sweep, { state: 'CANCELLED' });
      return rows;
    };
    const [few, many] = [await cost(2), await cost(60)];
    expect(many).toBe(few);
    expect(few).toBe(2);
  });
});

describe('on a backend that takes jobs together', () => {
  test('a sweep is one native array, whose limit the backend keeps', async () => {
    const backend = add({ arrays: true });
    const sweep = await start(backend, { atOnce: 2, space: epochs(1, 2, 3, 4, 5, 6) });
    const all = await runs(sweep);
    await until(sweep, { state: 'RUNNING', arrayOn: backend.name, letOn: 6, underWay: 6 });
    for (const run of all) await jobOf(backend, run);
    expect([...backend.arrays]).toEqual([[sweep.id, all.map(({ id }) => `${id}-1`)]]);
    const live = () => [...backend.inMemory.values()].filter(({ phase }) => phase === 'RUNNING');
    await expect.poll(() => live().length, patient).toBe(2);
    for (const run of all) {
      const job = await jobOf(backend, run);
      await expect.poll(() => job.phase, patient).toBe('RUNNING');
      expect(live().length).toBeLessThanOrEqual(2);
      end(job, {}, { loss: 1 });
    }
    await until(sweep, { state: 'SUCCEEDED', best: { number: 1 }, underWay: 0 });
    expect(backend.countOf('array')).toBe(1);
    expect((await runs(sweep)).every(({ attempts }) => attempts === 1)).toBe(true);
  });

  test('who was cancelled before is not handed over with the others', async () => {
    const backend = add({ arrays: true });
    backend.failure = (operation) =>
      operation === 'submit' ? new BackendError('Unavailable', operation, 'No route.') : null;
    const sweep = await start(backend);
    const all = await runs(sweep);
    await expect.poll(() => states(sweep), patient).toEqual(Array(3).fill('PLACED'));
    await site.runs.cancel(localOwner, all[1]?.id ?? '');
    await expect
      .poll(async () => (await runs(sweep))[1]?.cancelRequestedAt ?? null, patient)
      .not.toBeNull();
    backend.failure = () => null;
    await jobOf(backend, all[0]);
    await jobOf(backend, all[2]);
    for (const at of [0, 2]) await endWith(backend, all[at], at);
    await until(sweep, { state: 'SUCCEEDED', ended: { SUCCEEDED: 2, CANCELLED: 1 } });
    expect(backend.countOf('array')).toBe(1);
    const [members = []] = backend.arrays.values();
    // It is there only if its own submit, which must find what it may have left before, came first.
    expect(members.length).toBeGreaterThanOrEqual(2);
  });

  test('a sweep of one run goes by itself', async () => {
    const backend = add({ arrays: true });
    const sweep = await start(backend, { space: epochs(4) });
    await endWith(backend, (await runs(sweep))[0], 1);
    await until(sweep, { state: 'SUCCEEDED', arrayOn: null });
    expect(backend.countOf('array')).toBe(0);
  });

  test('its end is asked for as any other', async () => {
    const backend = add({ arrays: true });
    const sweep = await start(backend, { atOnce: 1 });
    for (const run of await runs(sweep)) await jobOf(backend, run);
    await site.sweeps.cancel(localOwner, sweep.id);
    await until(sweep, { state: 'CANCELLED', ended: { CANCELLED: 3 }, underWay: 0 });
  });
});

function ended(
  run: TrainingRun | undefined,
  state: TrainingRun['state'],
  value: number | null,
  all: number,
): SweepEvent {
  const { id, sweepNumber = 0 } = run ?? {};
  if (id === undefined) throw new Error('There is no such run.');
  return { type: 'sweep.runEnded', runId: id, number: sweepNumber, state, value, ended: all };
}
