import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackendError, type BackendErrorKind } from '../../../backends/contract/error.ts';
import { localOwner } from '../../../domain/actor.ts';
import { trainingRunStates, type TrainingRun } from '../../../domain/training-run.ts';
import { isTerminal } from '../../../domain/state.ts';
import { end, MemoryJobs } from '../../fakes/memory-jobs.ts';
import { TrainingSite } from './site.ts';

let site: TrainingSite;
let count = 0;

beforeAll(async () => {
  site = await TrainingSite.create();
});

afterAll(() => site.destroy());

/** A backend of its own for each test. */
function add(): MemoryJobs {
  const backend = new MemoryJobs(`site-${(count += 1)}`);
  site.others.push(backend);
  return backend;
}

const start = (backend: MemoryJobs) => site.start('', { backend: backend.name });

const fails = (kind: BackendErrorKind, message: string) => (operation: string) =>
  new BackendError(kind, operation, message);

const patient = { timeout: 15_000, interval: 30 };

async function now(run: TrainingRun): Promise<TrainingRun> {
  const found = await site.runs.getBy(localOwner, { id: run.id, number: null });
  if (found === null) throw new Error('The run is gone.');
  return found;
}

const until = (run: TrainingRun, wanted: object) =>
  expect.poll(() => now(run), patient).toMatchObject(wanted);

async function ends(run: TrainingRun): Promise<readonly string[]> {
  const events = await site.at.store.events.read(run.id, 0, 1_000);
  return events.flatMap(({ event }) =>
    event.type === 'trainingRun.stateChanged' && isTerminal(trainingRunStates, event.to)
      ? event.to
      : [],
  );
}

describe('a backend that cannot be reached', () => {
  test('costs a run nothing: it keeps its state and says why, since when, and when we try next', async () => {
    const [away, here] = [add(), add()];
    const [run, other] = [await start(away), await start(here)];
    await until(run, { state: 'RUNNING', waiting: null });
    away.failure = fails('Unavailable', 'connect EHOSTUNREACH 10.0.0.1:6820');
    await until(run, {
      state: 'RUNNING',
      waiting: {
        code: 'BACKEND_UNREACHABLE',
        message: `${away.name}: connect EHOSTUNREACH 10.0.0.1:6820`,
        raw: 'Unavailable in inspect',
      },
    });
    const first = await now(run);
    expect(first.waiting?.nextAttemptAt).toBeGreaterThan(first.waiting?.since ?? Infinity);
    // Another try later: still since then, seen no later.
    await expect
      .poll(async () => (await now(run)).waiting?.nextAttemptAt, patient)
      .toBeGreaterThan(first.waiting?.nextAttemptAt ?? 0);
    const later = await now(run);
    expect(later.waiting?.since).toBe(first.waiting?.since);
    expect(later.observedAt).toBe(first.observedAt);
    // The other backend noticed nothing.
    await until(other, { state: 'RUNNING', waiting: null });
    end(here.job);
    expect((await site.ended(other)).state).toBe('SUCCEEDED');
    // What happened meanwhile is taken in when it is back.
    end(away.job);
    away.failure = () => null;
    expect(await site.ended(run)).toMatchObject({ state: 'SUCCEEDED', attempts: 1 });
  });

  test('before it took a run: the same run is handed to it once when it is back', async () => {
    const away = add();
    away.failure = fails('Unavailable', 'No route.');
    const run = await start(away);
    await until(run, { state: 'PLACED', waiting: { code: 'BACKEND_UNREACHABLE' } });
    away.failure = () => null;
    await until(run, { state: 'RUNNING', attempts: 1 });
    expect(away.inMemory.size).toBe(1);
    end(away.job);
    await site.ended(run);
  });

  test('is asked by one of many who want it, and tells them all when it is back', async () => {
    const away = add();
    const runs = await Promise.all(Array.from({ length: 20 }, () => start(away)));
    for (const run of runs) await until(run, { state: 'RUNNING', waiting: null });
    away.failure = fails('Unavailable', 'No route.');
    for (const run of runs) await until(run, { waiting: { code: 'BACKEND_UNREACHABLE' } });
    const before = away.calls.length;
    const [first] = runs;
    if (first === undefined) throw new Error('no run');
    const tries = async () => (await now(first)).waiting?.nextAttemptAt ?? 0;
    const begun = await tries();
    // By then each of them alone would have asked several times.
    await expect.poll(async () => (await tries()) - begun, patient).toBeGreaterThan(2_500);
    expect(away.calls.length - before).toBeLessThan(10);
    away.failure = () => null;
    for (const run of runs) await until(run, { state: 'RUNNING', waiting: null });
    for (const job of away.inMemory.values()) end(job);
    for (const run of runs) expect((await site.ended(run)).state).toBe('SUCCEEDED');
  });
});

describe('a token that expired', () => {
  test('is one clear reason for all runs, and no storm of tries', async () => {
    const strict = add();
    const runs = await Promise.all(Array.from({ length: 10 }, () => start(strict)));
    for (const run of runs) await until(run, { state: 'RUNNING' });
    strict.failure = fails('Unauthorized', 'The token expired at 12:00.');
    for (const run of runs) {
      await until(run, {
        state: 'RUNNING',
        waiting: {
          code: 'AUTHENTICATION',
          message: `${strict.name}: The token expired at 12:00.`,
        },
      });
    }
    const before = strict.calls.length;
    const [run] = runs;
    if (run === undefined) throw new Error('no run');
    const begun = (await now(run)).waiting?.nextAttemptAt ?? 0;
    await expect
      .poll(async () => ((await now(run)).waiting?.nextAttemptAt ?? 0) - begun, patient)
      .toBeGreaterThan(2_500);
    expect(strict.calls.length - before).toBeLessThan(10);
    strict.failure = () => null;
    for (const job of strict.inMemory.values()) end(job);
    for (const each of runs) expect((await site.ended(each)).state).toBe('SUCCEEDED');
  });
});

describe('a job that vanished', () => {
  test('leaves its run LOST with the evidence, and never SUCCEEDED', async () => {
    const forgetful = add();
    const run = await start(forgetful);
    await until(run, { state: 'RUNNING' });
    forgetful.inMemory.clear();
    const after = await site.ended(run);
    expect(after).toMatchObject({ state: 'LOST', outcome: { code: 'VANISHED' }, waiting: null });
    expect(after.outcome?.message).toBe(
      `${forgetful.name} does not know the job any more: There is no such entry in the map.`,
    );
    expect(await ends(run)).toEqual(['LOST']);
    expect((await site.runs.cancel(localOwner, run.id)).state).toBe('LOST');
  });
});

describe('a cancel that races with the end', () => {
  test.each([
    ['the job ended first', 0, 'SUCCEEDED'],
    ['the job ended just before the backend was told', 1, 'SUCCEEDED'],
    ['the backend was told first', 2, 'CANCELLED'],
  ] as const)('ends the run in one way when %s', async (_what, order, state) => {
    const backend = add();
    const run = await start(backend);
    await until(run, { state: 'RUNNING' });
    if (order === 0) end(backend.job);
    const { job } = backend;
    // Between our decision to cancel and the backend's hearing of it.
    if (order === 1) {
      backend.failure = (operation) => {
        if (operation === 'cancel' && job.phase !== 'ENDED') end(job);
        return null;
      };
    }
    await site.runs.cancel(localOwner, run.id).catch(() => undefined);
    const after = await site.ended(run);
    expect(after.state).toBe(state);
    expect(await ends(run)).toEqual([state]);
    expect(job.cancelled).toBe(order === 2);
    const again = await site.runs.cancel(localOwner, run.id);
    expect(again.version).toBe(after.version);
  });

  test('is passed on when the backend is back, and the run says meanwhile why nothing happens', async () => {
    const away = add();
    const run = await start(away);
    await until(run, { state: 'RUNNING' });
    away.failure = fails('Unavailable', 'No route.');
    await site.runs.cancel(localOwner, run.id);
    await until(run, { waiting: { code: 'BACKEND_UNREACHABLE' } });
    expect((await now(run)).cancelRequestedAt).not.toBeNull();
    away.failure = () => null;
    expect(await site.ended(run)).toMatchObject({ state: 'CANCELLED' });
    expect(await ends(run)).toEqual(['CANCELLED']);
  });
});

describe('what a job left', () => {
  test('and cannot be read for good is NO_OUTPUT, not a run that never started', async () => {
    const backend = add();
    const run = await start(backend);
    await until(run, { state: 'RUNNING' });
    backend.failure = (operation) =>
      operation === 'outputs'
        ? new BackendError('Unsupported', operation, 'There is no shared folder.')
        : null;
    end(backend.job);
    const after = await site.ended(run);
    expect(after).toMatchObject({ state: 'FAILED', outcome: { code: 'NO_OUTPUT' } });
    expect(after.outcome?.message).toContain('There is no shared folder.');
    backend.failure = () => null;
  });

  test('a backend that rejects a look changes no state', async () => {
    const backend = add();
    const run = await start(backend);
    await until(run, { state: 'RUNNING' });
    backend.failure = (operation) =>
      operation === 'inspect' ? new BackendError('Rejected', operation, 'Bad filter.') : null;
    await until(run, { state: 'RUNNING', waiting: { code: 'BACKEND_REFUSING' } });
    backend.failure = () => null;
    end(backend.job);
    expect((await site.ended(run)).state).toBe('SUCCEEDED');
  });
});
