import { fakeRest } from '../../fakes/slurm/site.ts';
import { legacy, modern } from '../../fakes/slurm/rest-shapes.ts';
import { jobRunnerContract } from './job-runner.contract.ts';
import { openSlurm } from './slurm-under-test.ts';

jobRunnerContract({
  name: 'slurm by slurmrestd v0.0.38 at a port',
  create: async () => openSlurm(await fakeRest(legacy)),
});
jobRunnerContract({
  name: 'slurm by slurmrestd v0.0.42 at a socket',
  create: async () => openSlurm(await fakeRest(modern, true)),
});
