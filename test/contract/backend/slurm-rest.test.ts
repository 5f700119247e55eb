import { fakeRest } from '../../fakes/slurm/site.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openSlurm } from './slurm-under-test.ts';
import type { BackendTarget } from './under-test.ts';

const targets: readonly BackendTarget[] = [
  {
    name: 'slurm by slurmrestd v0.0.38 at a port',
    create: async () => openSlurm(await fakeRest(legacy)),
  },
  {
    name: 'slurm by slurmrestd v0.0.42 at a socket',
    create: async () => openSlurm(await fakeRest(modern, true)),
  },
];

for (const target of targets) {
  backendContract(target);
  jobRunnerContract(target);
}
