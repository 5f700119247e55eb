import type { Backend } from '../../backends/contract/backend.ts';
import type { JobWorkload } from '../../backends/contract/workload.ts';
import type { Attempt, TrainingRun } from '../../domain/training-run.ts';
import { inputsOf } from '../datasets/workload-data.ts';
import { sourceFor } from '../sites/fit.ts';
import type { Surroundings } from '../surroundings.ts';
import { workloadOf } from './workload.ts';

/** Reads what a run needs and makes its workload. What a run refers to never changes, so the result does not either. */
export class WorkloadSource {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }

  async of(
    run: TrainingRun,
    attempt: Pick<Attempt, 'number'>,
    backend: Backend,
  ): Promise<JobWorkload> {
    return (await this.shared(run, backend))(run, attempt);
  }

  /** Reads once for all runs that have module, data and checkpoint in common with this one. */
  async shared(
    run: Pick<TrainingRun, 'moduleVersionId' | 'datasetVersionId' | 'splitId' | 'resumeFrom'>,
    backend: Backend,
  ): Promise<(run: TrainingRun, attempt: Pick<Attempt, 'number'>) => JobWorkload> {
    const { store } = this.#at;
    const version = await store.moduleVersions.get(run.moduleVersionId);
    const module = version && (await store.modules.get(version.moduleId));
    if (!version || !module) throw new Error(`Module version ${run.moduleVersionId} is gone.`);
    const data = await inputsOf(this.#at, run.datasetVersionId, run.splitId);
    const checkpoint = run.resumeFrom === null ? null : await store.artifacts.get(run.resumeFrom);
    const source = sourceFor(version.source, backend.capabilities) ?? version.source;
    return (one, attempt) => workloadOf(one, attempt, module, { source }, data, checkpoint);
  }
}
