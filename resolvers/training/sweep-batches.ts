import type { Sweep } from '../../domain/sweep.ts';
import {
  type TrainingRun,
  trainingRunStates,
  type TrainingRunState,
} from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { RunCountType } from '../../schema/training/sweep.ts';
import { childPages } from '../child-pages.ts';
import type { Batch } from '../context.ts';

export const sweepById: Batch<string, Sweep | null> = {
  load: (ids, { actor, services }) => services.sweeps.getMany(actor, ids),
};

const states = Object.keys(trainingRunStates.next) as readonly TrainingRunState[];

export const countsOfSweep: Batch<string, readonly RunCountType[]> = {
  load: async (ids, { services }) => {
    const found = await services.sweeps.runCounts(ids);
    return ids.map((id) =>
      states.flatMap((state) => {
        const count = found.get(id)?.get(state) ?? 0;
        return count === 0 ? [] : { state, count };
      }),
    );
  },
};

export const runsOfSweep = childPages<TrainingRun>({
  pages: ({ services }, sweepIds, page) => services.sweeps.runsOf(sweepIds, page),
  counts: async ({ services }, sweepIds) => {
    const found = await services.sweeps.runCounts(sweepIds);
    const sum = (id: string) => [...(found.get(id)?.values() ?? [])].reduce((a, b) => a + b, 0);
    return new Map(sweepIds.map((id) => [id, sum(id)]));
  },
});

export const waitingOfSweep: Batch<Sweep, Waiting | null> = {
  cacheKey: ({ id }) => id,
  load: async (sweeps, { services }) => {
    const found = await services.sweeps.waitingOf(sweeps);
    return sweeps.map(({ id }) => found.get(id) ?? null);
  },
};
