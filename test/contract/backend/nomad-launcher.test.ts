import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Handle } from '../../../backends/contract/workload.ts';
import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import type { NomadUnderTest } from './nomad-under-test.ts';
import { openWithLauncher } from './nomad-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';
import { job, submit, textOf, untilEnded, untilJob } from './under-test.ts';

const around = {
  name: 'nomad, files by a launcher around the program',
  create: () => openWithLauncher('RUN'),
};
const beside = {
  name: 'nomad, files before and after a container',
  create: () => openWithLauncher('BESIDE'),
};
for (const target of [around, beside]) {
  backendContract(target);
  jobRunnerContract(target);
}
serviceRunnerContract(around);

describe('between the end of a program and the return of its files', () => {
  let under: NomadUnderTest;
  beforeEach(async () => {
    under = await openWithLauncher('BESIDE');
  });
  afterEach(() => under.destroy());

  /** The end of a job that fails, and what it left, when something happens once its program is over. */
  const left = async (happening: (handle: Handle) => Promise<void>) => {
    const handle = await submit(under.jobs, job(under.shell('echo 5 > out/kept; exit 5')));
    const isOver = ({ native }: { readonly native: string }): boolean => native.includes('(dead)');
    expect((await untilJob(under.jobs, handle, isOver)).phase).toBe('RUNNING');
    await happening(handle);
    const { exit } = await untilEnded(under.jobs, handle);
    return [exit?.cause, exit?.code, await textOf(await under.jobs.outputs(handle), 'kept')];
  };

  test('a cancel changes neither', async () => {
    expect(await left((handle) => under.jobs.cancel(handle))).toEqual(['EXITED', 5, '5\n']);
  });

  test('what returns them is started again when somebody kills it', async () => {
    const kill = async (): Promise<void> => {
      const [runner] = under.fake.scheduler.runners.values();
      const task = runner?.tasks.find((one) => one.task.Name === 'return');
      await task?.started;
      process.kill(-(task?.pid ?? fail()), 'SIGKILL');
    };
    expect(await left(kill)).toEqual(['EXITED', 5, '5\n']);
  });
});

function fail(): never {
  throw new Error('nothing returns files');
}
