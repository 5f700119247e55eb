import { expect, onTestFinished, test } from 'vitest';
import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openWithLauncher } from './kubernetes-under-test.ts';
import { job, submit, untilEnded, untilPrinted } from './under-test.ts';

const beside = {
  name: 'kubernetes, files by a sidecar',
  create: () => openWithLauncher('BESIDE'),
};
const around = {
  name: 'kubernetes, files by a launcher around the program',
  create: () => openWithLauncher('AROUND'),
};
for (const target of [beside, around]) {
  backendContract(target);
  jobRunnerContract(target);
}

test('a program that is cancelled and does not end is not waited for as long as files may take', async () => {
  const under = await openWithLauncher('BESIDE', { returnGraceSeconds: 600, pollMs: 200 });
  onTestFinished(() => under.destroy());
  const handle = await submit(under.jobs, job(under.shell('trap "" TERM; echo up; sleep 60')));
  await untilPrinted(under.jobs, handle, 'up');
  await under.jobs.cancel(handle);
  expect((await untilEnded(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
});
