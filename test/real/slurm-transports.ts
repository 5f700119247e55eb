import type { SlurmSite } from '../contract/backend/slurm-under-test.ts';
import type { RealSlurm } from './slurm.ts';

const gpus = [{ gres: 'toy', model: 'Toy GPU', memoryMiB: 1024 }];

export function byCommands(slurm: RealSlurm): SlurmSite {
  return siteOf(slurm, { kind: 'cli', environment: slurm.environment });
}

export function byRest(slurm: RealSlurm, url = slurm.restUrl): SlurmSite {
  const { keyFile } = slurm;
  return siteOf(slurm, { kind: 'rest', url, user: 'root', credentials: { keyFile } });
}

function siteOf(slurm: RealSlurm, transport: object): SlurmSite {
  return {
    transport,
    settings: { enforcesMemory: slurm.confines, gpus, pollMs: 200 },
    listing: () => slurm.listing(),
    // Others use it after us.
    destroy: () => Promise.resolve(),
  };
}
