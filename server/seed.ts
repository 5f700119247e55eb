import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemActor } from '../domain/actor.ts';
import type { Datasets } from '../services/datasets/datasets.ts';
import type { Services } from '../services/services.ts';
import { FileLock } from '../store/embedded/file-lock.ts';
import type { Config } from './config.ts';

export interface SeedRequest {
  readonly services: Pick<Services, 'modules' | 'datasets'>;
  readonly config: Pick<Config, 'stateFolder' | 'seed'>;
  /** Those that this process serves: what belongs to others is their affair. */
  readonly subgraphs: readonly string[];
}

/**
 * Fills the catalogue and, once, registers the reference data sets that the modules bring along. Processes on one state
 * folder take turns, and whoever comes second finds it done.
 */
export async function seed({ services, config, subgraphs }: SeedRequest): Promise<void> {
  const steps = new Map<string, () => unknown>([
    ['modules', () => services.modules.refresh(systemActor)],
    ['datasets', () => (config.seed ? registerReferences(services.datasets) : undefined)],
  ]);
  for (const [name, step] of steps) {
    if (subgraphs.includes(name)) await inTurn(join(config.stateFolder, `seed-${name}.lock`), step);
  }
}

async function inTurn(path: string, step: () => unknown): Promise<void> {
  const lock = new FileLock(path);
  try {
    while (!lock.try('exclusive')) await sleep(50);
    await step();
  } finally {
    lock.close();
  }
}

async function registerReferences(datasets: Datasets): Promise<void> {
  // Imported when needed: decoding them costs memory that a running server has no use for.
  const references = await Promise.all([
    import('../modules/data/digits.ts'),
    import('../modules/data/fashion.ts'),
    import('../modules/data/iris.ts'),
  ]);
  for (const reference of references) {
    const { name, title, licence, source, format, target, files } = reference;
    await datasets.seedDataset({
      name,
      title,
      licence,
      description: `Source: ${source}.`,
      format,
      target,
      files: () => files(),
    });
  }
}
