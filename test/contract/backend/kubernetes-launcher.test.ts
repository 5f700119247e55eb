import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openWithLauncher } from './kubernetes-under-test.ts';

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
