import { fakeCommands } from '../../fakes/slurm/site.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openSlurm } from './slurm-under-test.ts';

jobRunnerContract({ name: 'slurm by its commands', create: () => openSlurm(fakeCommands()) });
