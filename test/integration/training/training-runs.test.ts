import { appendFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import type { RecordedEvent, TrainingRunEvent } from '../../../domain/event.ts';
import { TrainingSite } from './site.ts';

let site: TrainingSite;
beforeAll(async () => {
  site = await TrainingSite.create({ stopGraceSeconds: 1 });
});
afterAll(() => site.destroy());

const good = `
say({ type: 'phase', phase: 'PREPARING' });
console.log('reading the data');
say({ type: 'phase', phase: 'RUNNING' });
for (let epoch = 1; epoch <= workload.arguments.epochs; epoch++) {
  say({ type: 'metrics', epoch, step: epoch * 10, values: { loss: 1 / epoch } });
  leave('checkpoints/epoch-' + epoch + '/weights', 'weights ' + epoch);
  say({ type: 'checkpoint', epoch, path: 'checkpoints/epoch-' + epoch });
  say({ type: 'progress', done: epoch, total: workload.arguments.epochs, unit: 'epoch' });
}
say({ type: 'phase', phase: 'EVALUATING' });
console.error('a warning');
leave('model/weights', 'final ' + workload.seed);
leave('output.json', JSON.stringify({ metrics: { testAccuracy: 0.5 }, artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }] }));
`;

describe('a training run', () => {
  test('goes through every state, tells metrics, log and artifacts, and ends with its lineage', async () => {
    const run = await site.start(good, { arguments: { epochs: 3 }, seed: 7 });
    expect(run).toMatchObject({ state: 'QUEUED', seed: 7, arguments: { epochs: 3 } });
    const after = await site.ended(run);
    expect(after.outcome).toMatchObject({ code: 'OK', exitCode: 0 });
    expect(after).toMatchObject({
      state: 'SUCCEEDED',
      progress: { done: 3, total: 3, unit: 'epoch' },
      metrics: { loss: 1 / 3, testAccuracy: 0.5 },
      waiting: null,
    });
    const events = await all(site.runs.followEvents(localOwner, run.id, 0));
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, at) => at + 1));
    expect(states(events)).toEqual([
      'QUEUED',
      'PLACED',
      'SUBMITTED',
      'PENDING',
      'PREPARING',
      'RUNNING',
      'EVALUATING',
      'SUCCEEDED',
    ]);
    const names = events.flatMap(({ event }) =>
      event.type === 'trainingRun.artifactRegistered' ? event.name : [],
    );
    expect(names).toEqual(['checkpoint-0001', 'checkpoint-0002', 'checkpoint-0003', 'model']);
    const points = await all(site.runs.followMetrics(localOwner, run.id, 0));
    expect(points.map(({ offset, value }) => [offset, value.epoch, value.value])).toEqual([
      [1, 1, 1],
      [2, 2, 1 / 2],
      [3, 3, 1 / 3],
    ]);
    const lines = await all(site.runs.followLog(localOwner, run.id, 0));
    expect(lines.map(({ value }) => [value.stream, value.text])).toEqual([
      ['STDOUT', 'reading the data'],
      ['STDERR', 'a warning'],
    ]);
    const model = await site.at.store.artifacts.find({ where: { runId: run.id, name: 'model' } });
    expect(model).toMatchObject({
      kind: 'MODEL',
      files: [{ path: 'weights', bytes: 7 }],
      lineage: { seed: 7, arguments: { epochs: 3 }, datasetVersionId: run.datasetVersionId },
    });
  });

  test('resumes its streams behind a cursor', async () => {
    const run = await site.start(good);
    await site.ended(run);
    const whole = await all(site.runs.followEvents(localOwner, run.id, 0));
    const rest = await all(site.runs.followEvents(localOwner, run.id, 4));
    expect(rest).toEqual(whole.slice(4));
    await expect(
      site.runs.followEvents(localOwner, run.id, whole.length + 1),
    ).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  test('goes on from a checkpoint', async () => {
    const first = await site.start(good);
    await site.ended(first);
    const checkpoint = await site.at.store.artifacts.find({
      where: { runId: first.id, name: 'checkpoint-0001' },
    });
    const again = await site.runs.create(localOwner, {
      ...requestOf(first),
      resumeFrom: checkpoint?.id ?? null,
    });
    expect((await site.ended(again)).state).toBe('SUCCEEDED');
  });

  test.each(['', '  ', 'x'.repeat(121)])('is not taken with a name like %j', async (name) => {
    const before = await site.at.store.trainingRuns.count({});
    await expect(site.start('', { name })).rejects.toMatchObject({
      errors: [{ code: 'INVALID_ARGUMENT', inputPath: ['name'] }],
    });
    expect(await site.at.store.trainingRuns.count({})).toBe(before);
  });

  test('is started once for one idempotency key, whoever asks how often', async () => {
    const version = await site.module(good);
    const data = await site.data();
    const request = {
      ...requestOf(null),
      moduleVersionId: version.id,
      datasetVersionId: data.id,
      idempotencyKey: 'once',
    };
    const runs = await Promise.all(
      Array.from({ length: 20 }, () => site.runs.create(localOwner, request)),
    );
    expect(new Set(runs.map((run) => run.id)).size).toBe(1);
    await expect(
      site.runs.create(localOwner, { ...request, arguments: { epochs: 9 } }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_MISMATCH' });
    await site.settled();
  });

  test.each([
    [
      'crashes',
      `console.error('no such column'); process.exit(3);`,
      { code: 'NON_ZERO_EXIT', exitCode: 3 },
    ],
    [
      'kills itself',
      `process.kill(process.pid, 'SIGKILL'); await sleep(9000);`,
      { code: 'SIGNALLED', signal: 'SIGKILL' },
    ],
    ['ends without an output', `console.log('all good');`, { code: 'NO_OUTPUT', exitCode: 0 }],
    ['leaves garbage as output', `leave('output.json', '<html>');`, { code: 'BAD_OUTPUT' }],
    [
      'names an artifact that is not there',
      `leave('output.json', '{"artifacts":[{"name":"model","kind":"MODEL","path":"out/model"}]}');`,
      { code: 'BAD_OUTPUT' },
    ],
    [
      'names an artifact outside its folder',
      `leave('output.json', '{"artifacts":[{"name":"x","kind":"MODEL","path":"out/../../etc"}]}');`,
      { code: 'BAD_OUTPUT' },
    ],
  ])('fails with the reason when its module %s', async (_what, script, outcome) => {
    const after = await site.ended(await site.start(script));
    expect(after).toMatchObject({ state: 'FAILED', outcome });
    expect(after.outcome?.message).not.toBe('');
  });

  test('is not started when the code of its module version was changed', async () => {
    const version = await site.module(good);
    const data = await site.data();
    if (version.source.kind === 'FOLDER')
      await appendFile(`${version.source.path}/train.mjs`, '// other');
    const ids = { moduleVersionId: version.id, datasetVersionId: data.id };
    const after = await site.ended(await site.runs.create(localOwner, requestOf(ids)));
    expect(after).toMatchObject({ state: 'FAILED', attempts: 0, outcome: { code: 'NOT_STARTED' } });
    expect(after.outcome?.message).toMatch(/was changed.*Refresh the catalogue/);
  });

  test('is ended at its time limit', async () => {
    const run = await site.start(`await sleep(60_000);`, { resources: { timeLimitSeconds: 1 } });
    expect(await site.ended(run)).toMatchObject({
      state: 'FAILED',
      outcome: { code: 'TIME_LIMIT' },
    });
  });

  test('can be cancelled while it runs, and cancelling it again changes nothing', async () => {
    const run = await site.start(`console.log('here'); await sleep(60_000);`);
    await site.printed(run, 'here');
    await site.runs.cancel(localOwner, run.id);
    const after = await site.ended(run);
    expect(after).toMatchObject({ state: 'CANCELLED', outcome: { code: 'CANCELLED' } });
    expect(await site.runs.cancel(localOwner, run.id)).toEqual(after);
  });

  test('that asks for more than there is waits, says so, and can be cancelled', async () => {
    const run = await site.start(good, { resources: { cpus: 1000 } });
    const now = () => site.runs.getBy(localOwner, { id: run.id, number: null });
    await expect.poll(now).toMatchObject({
      state: 'PENDING',
      waiting: { code: 'RESOURCES_EXCEED_SITE', message: expect.stringMatching(/\d/) as string },
    });
    await site.runs.cancel(localOwner, run.id);
    expect(await site.ended(run)).toMatchObject({ state: 'CANCELLED', startedAt: null });
  });

  test('ends in one way, whenever its cancel comes', async () => {
    const script = `await sleep(150); leave('output.json', '{}');`;
    const ends = await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        const run = await site.start(script);
        await new Promise((resolve) => setTimeout(resolve, at * 40));
        await site.runs.cancel(localOwner, run.id);
        const after = await site.ended(run);
        const events = await all(site.runs.followEvents(localOwner, run.id, 0));
        const last = states(events).filter((state) =>
          ['CANCELLED', 'SUCCEEDED', 'FAILED', 'LOST'].includes(state),
        );
        return { state: after.state, ends: last };
      }),
    );
    const right = [
      { state: 'CANCELLED', ends: ['CANCELLED'] },
      { state: 'SUCCEEDED', ends: ['SUCCEEDED'] },
    ];
    expect(
      ends.filter((end) => !right.some((one) => JSON.stringify(one) === JSON.stringify(end))),
    ).toEqual([]);
  });

  test('can be cancelled before it was placed', async () => {
    const run = await site.start(good, {
      resources: { gpus: { count: 1, model: null, memoryMiB: null } },
    });
    await expect
      .poll(async () => (await site.runs.getBy(localOwner, { id: run.id, number: null }))?.waiting)
      .toMatchObject({
        code: 'NO_ACCELERATOR',
      });
    await site.runs.cancel(localOwner, run.id);
    expect(await site.ended(run)).toMatchObject({ state: 'CANCELLED', attempts: 0 });
  });

  test('goes on while the server is away, and nothing it said is lost or doubled', async () => {
    const run = await site.start(`
      for (let at = 1; at <= 20; at++) { console.log('line ' + at); await sleep(50); }
      leave('output.json', '{}');`);
    await site.printed(run, 'line 2');
    await site.reopen();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const after = await site.ended(run);
    expect(after).toMatchObject({ state: 'SUCCEEDED', attempts: 1 });
    const lines = await all(site.runs.followLog(localOwner, run.id, 0));
    expect(lines.map(({ value }) => value.text)).toEqual(
      Array.from({ length: 20 }, (_, at) => `line ${at + 1}`),
    );
  });
});

describe('a request for a run', () => {
  test('is refused with every finding and its path, and changes nothing', async () => {
    const version = await site.module(good);
    const data = await site.data();
    const before = await site.at.store.trainingRuns.count({});
    const bad = site.runs.create(localOwner, {
      ...requestOf(null),
      moduleVersionId: version.id,
      datasetVersionId: data.id,
      arguments: { epochs: 0, typo: 1 },
      resources: { cpus: -1 },
      backend: 'nowhere',
      seed: 0.5,
    });
    await expect(bad).rejects.toMatchObject({
      errors: expect.arrayContaining([
        expect.objectContaining({ inputPath: ['arguments', 'epochs'] }),
        expect.objectContaining({ inputPath: ['arguments', 'typo'] }),
        expect.objectContaining({ inputPath: ['resources', 'cpus'] }),
        expect.objectContaining({ inputPath: ['backend'] }),
        expect.objectContaining({ inputPath: ['seed'] }),
      ]) as unknown,
    });
    expect(await site.at.store.trainingRuns.count({})).toBe(before);
  });

  test('of another person is as if it were not there', async () => {
    const run = await site.start(good);
    const stranger = { subject: 'stranger', groups: [], system: false };
    expect(await site.runs.getBy(stranger, { id: run.id, number: null })).toBeNull();
    expect(await site.runs.getBy(stranger, { id: null, number: run.number })).toBeNull();
    await expect(site.runs.cancel(stranger, run.id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(site.runs.followLog(stranger, run.id, 0)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await site.ended(run);
  });
});

function requestOf(run: { moduleVersionId: string; datasetVersionId: string } | null) {
  return {
    name: null,
    moduleVersionId: run?.moduleVersionId ?? '',
    datasetVersionId: run?.datasetVersionId ?? '',
    splitId: null,
    arguments: {},
    seed: null,
    resources: {},
    backend: null,
    resumeFrom: null,
    idempotencyKey: null,
  };
}

async function all<T>(source: Promise<AsyncIterable<T>>): Promise<T[]> {
  const entries: T[] = [];
  for await (const entry of await source) entries.push(entry);
  return entries;
}

function states(events: readonly RecordedEvent<TrainingRunEvent>[]): readonly string[] {
  return events.flatMap(({ event }) => (event.type === 'trainingRun.stateChanged' ? event.to : []));
}
