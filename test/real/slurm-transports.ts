import type { SlurmSite } from '../contract/backend/slurm-under-test.ts';
import { gpusOf } from '../fakes/slurm/requested.ts';
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
    gpu: { model: 'toy gpu', native: 'toy' },
    listing: () => slurm.listing(),
    requested: async (id) => {
      const said = await slurm.command('scontrol', '--oneliner', 'show', 'job', id);
      const field = (name: string): string => new RegExp(` ${name}=(\\S+)`).exec(said)?.[1] ?? '';
      return {
        cpus: Number(field('CPUs/Task')),
        memoryMiB: Number(field('MinMemoryNode').replace(/M$/, '')),
        gpus: gpusOf(field('TresPerNode')),
      };
    },
    arrayOf: async (id) => {
      const said = await slurm.command('scontrol', '--oneliner', 'show', 'job', id);
      return / ArrayJobId=(\d+)/.exec(said)?.[1] ?? null;
    },
    close: async () => {
      const set = (state: string): Promise<string> =>
        slurm.command('scontrol', 'update', 'partitionname=main', `state=${state}`);
      await set('down');
      return async () => void (await set('up'));
    },
    // Others use it after us.
    destroy: () => Promise.resolve(),
  };
}
