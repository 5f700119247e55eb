import { fakeCommands } from '../../fakes/slurm/site.ts';
import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openSlurm } from './slurm-under-test.ts';
import type { BackendTarget } from './under-test.ts';

const target: BackendTarget = {
  name: 'slurm by its commands',
  create: () => openSlurm(fakeCommands()),
};

backendContract(target);
jobRunnerContract(target);
