import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import { fakeCommands, fakeRest } from '../../fakes/slurm/site.ts';
import { backendContract } from './backend.contract.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openWithLauncher } from './slurm-under-test.ts';
import type { BackendTarget } from './under-test.ts';

const targets: readonly BackendTarget[] = [
  {
    name: 'slurm by its commands, files by the launcher',
    create: () => openWithLauncher(fakeCommands()),
  },
  {
    name: 'slurm by slurmrestd v0.0.38, files by the launcher',
    create: async () => openWithLauncher(await fakeRest(legacy)),
  },
  {
    name: 'slurm by slurmrestd v0.0.42, files by the launcher',
    create: async () => openWithLauncher(await fakeRest(modern)),
  },
];

for (const target of targets) {
  backendContract(target);
  jobRunnerContract(target);
}
