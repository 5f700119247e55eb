import type { SlurmSite } from '../contract/backend/slurm-under-test.ts';
import { slurmRunsSweeps } from '../integration/training/slurm-sweeps.ts';
import type { RealSlurm } from './slurm.ts';

/** A sweep, from the wish to the best of its runs, on a cluster that runs it as one array. */
export function slurmSweeps(
  name: string,
  started: () => RealSlurm,
  site: (slurm: RealSlurm) => SlurmSite,
): void {
  slurmRunsSweeps(name, async () => ({
    slurm: site(started()),
    parent: `${started().folder}/shared`,
  }));
}
