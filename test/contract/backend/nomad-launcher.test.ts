import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openWithLauncher } from './nomad-under-test.ts';
import { serviceRunnerContract } from './service-runner.contract.ts';

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
