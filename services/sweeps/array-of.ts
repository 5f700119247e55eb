import type { Backend } from '../../backends/contract/backend.ts';
import type { ArrayMember, JobArray } from '../../backends/contract/job-runner.ts';
import { sweepLimits } from '../../domain/sweep-parameters.ts';
import type { Attempt, TrainingRun } from '../../domain/training-run.ts';
import type { Surroundings } from '../surroundings.ts';
import { attemptKey } from '../training/work-kinds.ts';
import type { WorkloadSource } from '../training/workload-source.ts';

interface Submitted {
  readonly run: TrainingRun;
  readonly attempt: Attempt;
  readonly backend: Backend;
}

/**
 * The jobs that a run may be handed over with: those of its sweep, where it was placed together with them. Null where it
 * goes by itself.
 */
export async function arrayOf(
  { store }: Pick<Surroundings, 'store'>,
  workloads: WorkloadSource,
  { run, attempt, backend }: Submitted,
): Promise<JobArray | null> {
  if (run.sweepId === undefined || attempt.number !== 1 || !backend.capabilities.arrays) {
    return null;
  }
  const sweep = await store.sweeps.get(run.sweepId);
  if (sweep === null || sweep.arrayOn !== backend.name) return null;
  return {
    key: sweep.id,
    title: sweep.name,
    atOnce: sweep.atOnce,
    async members(): Promise<readonly ArrayMember[]> {
      // PLACED is what nobody handed over yet, as far as we know; what the backend has already, it adopts.
      const placed = await store.trainingRuns.list(
        {
          where: { sweepId: sweep.id, state: 'PLACED', backend: backend.name },
          orderBy: { column: 'sweepNumber', direction: 'ASC' },
        },
        sweepLimits.trials,
      );
      const members = placed.filter(
        ({ id, cancelRequestedAt }) => cancelRequestedAt === null || id === run.id,
      );
      const workloadFor = await workloads.shared(run, backend);
      return members.map((member) => ({
        key: attemptKey(member.id, member.attempts),
        workload: workloadFor(member, { number: member.attempts }),
      }));
    },
  };
}
