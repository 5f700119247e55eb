import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import { localOwner } from '../../../domain/actor.ts';
import { InvalidInputError } from '../../../domain/errors.ts';
import type { CreateTrainingRun } from '../../../services/training/create-run.ts';
import { request, TrainingSite } from './site.ts';
import { openBackend } from './sites.ts';

let site: TrainingSite;
let given: CreateTrainingRun;

beforeAll(async () => {
  site = await TrainingSite.create({ cpus: 4, memoryMiB: 4096 });
  const shared = join(site.folder, 'shared');
  // None of them is there: a plan needs to reach nobody.
  site.others.push(
    await openBackend(site.folder, 'hpc', 'slurm', {
      transport: { kind: 'cli', commandFolder: '/nowhere' },
      sharedFolder: shared,
      partition: 'gpu',
      runtime: ['/opt/fathom/module'],
      gpus: [{ gres: 'a100', model: 'NVIDIA A100', memoryMiB: 40_960 }],
    }),
    await openBackend(site.folder, 'cluster', 'kubernetes', {
      connection: { kind: 'token', server: 'http://127.0.0.1:1', token: 'x', skipTlsVerify: true },
    }),
  );
  const [version, data] = [await site.module('leave("output.json", "{}")'), await site.data()];
  given = { ...request, moduleVersionId: version.id, datasetVersionId: data.id };
});

afterAll(async () => {
  await Promise.all(site.others.map((backend) => backend.close()));
  await site.destroy();
});

const plan = (more: Partial<CreateTrainingRun> = {}) =>
  site.runs.plan(localOwner, { ...given, ...more });

async function refusals(work: Promise<unknown>): Promise<unknown> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof InvalidInputError)) throw error ?? new Error('It was accepted.');
  return error.errors.map(({ code, message, inputPath }) => ({ code, message, inputPath }));
}

describe('a plan of a training run', () => {
  test('names the backend that a run would get, why, and why not the others', async () => {
    const { backend, reason, considered, workload } = await plan({ seed: 7 });
    expect(backend).toBe('local');
    expect(reason).toBe(
      'local is the first of 2 that can do it, in the order of the configuration.',
    );
    expect(considered.map(({ backend: name, fits }) => [name, fits])).toEqual([
      ['local', true],
      ['hpc', true],
      ['cluster', false],
    ]);
    expect(considered[1]?.reason).toBe('Passed over: local stands before it in the configuration.');
    expect(considered[1]?.warning).toMatch(/^It cannot be reached now: /);
    expect(considered[2]?.reason).toContain('it runs images only, and the module names none');
    expect(workload).toMatchObject({ seed: 7, arguments: { epochs: 2 }, inputFiles: 3 });
    expect(workload.program).toMatch(/^train /);
  });

  test('writes nothing and sends nothing', async () => {
    const { store } = site.at;
    const [runs, attempts] = [await store.trainingRuns.count({}), await store.attempts.count({})];
    await plan();
    await plan({ backend: 'hpc' });
    expect([await store.trainingRuns.count({}), await store.attempts.count({})]).toEqual([
      runs,
      attempts,
    ]);
    expect((await site.backend.health()).capacity?.queued).toBe(0);
  });

  test('of local is what the supervisor is told when the run is made, but for its id', async () => {
    const { requests } = await plan({ seed: 1, name: 'same' });
    const [record] = requests;
    const planned = JSON.parse(record?.text ?? '') as {
      launch: { argv: string[]; folder: string };
    };
    const submitted: Parameters<NonNullable<Backend['jobs']>['submit']>[0][] = [];
    const { jobs } = site.backend;
    if (jobs === null) throw new Error('no jobs');
    const real = jobs.submit.bind(jobs);
    jobs.submit = async (workload, options) => {
      submitted.push(workload);
      return real(workload, options);
    };
    const run = await site.runs.create(localOwner, { ...given, seed: 1, name: 'same' });
    await site.ended(run);
    jobs.submit = real;
    const [workload] = submitted;
    if (workload === undefined) throw new Error('nothing was submitted');
    const [real2] = await site.backend.plan({ kind: 'JOB', workload }, `${run.id}-1`);
    const zeros = (text: string) => text.replaceAll(run.id, 'run_00000000000000000000000000');
    const names = (text: string) => text.replaceAll(/run-[0-9a-z]+-1-[0-9a-f]{16}/g, 'NAME');
    expect(names(zeros(real2?.text ?? ''))).toBe(names(record?.text ?? ''));
    expect(planned.launch.argv).toContain('train');
  });

  test('of Slurm is the command and its script, to the letter, without Slurm', async () => {
    const gpus = { count: 2, model: 'nvidia a100', memoryMiB: null };
    const { backend, requests } = await plan({ backend: 'hpc', resources: { gpus } });
    expect(backend).toBe('hpc');
    expect(requests.map(({ mediaType }) => mediaType)).toEqual([
      'text/plain',
      'text/x-shellscript',
      'application/json',
    ]);
    expect(requests[0]?.text).toMatch(/^sbatch .*--partition=gpu .*--gres=gpu:a100:2$/);
    expect(requests[1]?.text).toMatch(/^#!\/bin\/sh\n/);
    expect(JSON.parse(requests[2]?.text ?? '')).toMatchObject({ secrets: {} });
  });

  test('that a backend would refuse says what it would say, and holds no request', async () => {
    const gpus = { count: 1, model: 'H100', memoryMiB: null };
    const { requests, considered } = await plan({ backend: 'hpc', resources: { gpus } });
    expect(requests).toEqual([]);
    expect(considered.find(({ backend }) => backend === 'hpc')?.warning).toBe(
      'hpc would refuse it: There is no such GPU here; there are: NVIDIA A100 (40960 MiB).',
    );
  });

  test('warns of what the site does not have, and says what to do', async () => {
    const { considered } = await plan({ resources: { cpus: 8 } });
    expect(considered[0]?.warning).toBe(
      'As far as it tells, it would wait for ever. 8 processors are asked for and there are 4: ask for less in `resources.cpus`.',
    );
  });

  test('is refused with the same findings as the run itself', async () => {
    const bad: Partial<CreateTrainingRun> = {
      arguments: { epochs: 0, typo: 1 },
      resources: { cpus: -1, nodes: 0 },
      backend: 'nowhere',
      seed: 0.5,
    };
    const found = await refusals(plan(bad));
    expect(found).toHaveLength(6);
    expect(await refusals(site.runs.create(localOwner, { ...given, ...bad }))).toEqual(found);
    await expect(plan({ idempotencyKey: '' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a run on a backend asked for by name', () => {
  const create = (more: Partial<CreateTrainingRun>) =>
    refusals(site.runs.create(localOwner, { ...given, ...more }));

  test('that is not there is refused with those that are', async () => {
    expect(await create({ backend: 'nowhere' })).toEqual([
      {
        code: 'INVALID_ARGUMENT',
        message: 'There is no backend nowhere; there are: local, hpc, cluster.',
        inputPath: ['backend'],
      },
    ]);
  });

  test('that cannot take it is refused at what stands in the way, with what to do', async () => {
    const gpus = { count: 1, model: null, memoryMiB: null };
    expect(await create({ backend: 'local', resources: { gpus } })).toEqual([
      {
        code: 'UNSUPPORTED',
        message:
          'local cannot run it: it has no GPUs. Set `resources.gpus` to null to ask for none, or choose a backend that can: hpc.',
        inputPath: ['resources', 'gpus'],
      },
    ]);
    expect(await create({ backend: 'cluster' })).toEqual([
      {
        code: 'UNSUPPORTED',
        message:
          'cluster cannot run it: it runs images only, and the module names none with a tag of its own. Choose a backend that can: local, hpc.',
        inputPath: ['backend'],
      },
    ]);
  });

  test('that gives one node only is refused several, named or not', async () => {
    const nodes = { inputPath: ['resources', 'nodes'], code: 'UNSUPPORTED' };
    const several = site.others.splice(0);
    expect(await create({ backend: 'local', resources: { nodes: 2 } })).toMatchObject([nodes]);
    expect(await create({ resources: { nodes: 2 } })).toMatchObject([nodes]);
    site.others.push(...several);
  });
});
