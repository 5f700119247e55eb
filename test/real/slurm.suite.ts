import { afterAll, beforeAll } from 'vitest';
import { jobRunnerContract } from '../contract/backend/job-runner.contract.ts';
import { openSlurm } from '../contract/backend/slurm-under-test.ts';
import { slurmBadDays } from './slurm-bad-days.ts';
import { slurmDelivers } from './slurm-delivered.ts';
import { slurmRunsImages } from './slurm-containers.ts';
import { slurmAccounts } from './slurm-forgotten.ts';
import { slurmTrainsModules } from './slurm-module.ts';
import { slurmSpansNodes } from './slurm-nodes.ts';
import { slurmSweeps } from './slurm-sweep.ts';
import { byCommands, byRest } from './slurm-transports.ts';
import { RealSlurm } from './slurm.ts';

let slurm: RealSlurm | null = null;

beforeAll(async () => {
  slurm = await RealSlurm.start();
  console.log(`Slurm ${slurm.version} in ${slurm.folder}, cgroups: ${slurm.confines}`);
}, 60_000);
afterAll(() => slurm?.stop(), 60_000);

function started(): RealSlurm {
  if (slurm === null) throw new Error('Slurm was not started');
  return slurm;
}

for (const [name, site] of [
  ['real slurm by its commands', byCommands],
  ['real slurm by slurmrestd at a port', byRest],
] as const) {
  jobRunnerContract({
    name,
    create: () => openSlurm(site(started()), {}, `${started().folder}/shared`),
  });
  slurmTrainsModules(name, started, site);
  slurmSpansNodes(name, started, site);
  slurmSweeps(name, started, site);
  slurmBadDays(name, site);
  slurmDelivers(name, started, site);
}

slurmAccounts(
  [
    ['by its commands', byCommands, true],
    ['by slurmrestd', byRest, false],
  ],
  () => RealSlurm.start({ accounts: true }),
);
slurmRunsImages(started);
