import type { Ownership } from './actor.ts';
import type { Id } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { Resources } from './resources.ts';
import type { StateTable } from './state.ts';
import type { SweepParameter, SweepStrategy } from './sweep-parameters.ts';
import type { TrainingRun } from './training-run.ts';

/**
 * QUEUED until its first runs are let on, then RUNNING until the last of its runs has ended. What it ends as is
 * `endOfSweep`'s to say.
 */
export const sweepStates = {
  order: ['QUEUED', 'RUNNING', 'SUCCEEDED'],
  next: {
    QUEUED: ['RUNNING', 'CANCELLING', 'CANCELLED'],
    RUNNING: ['SUCCEEDED', 'FAILED', 'CANCELLED', 'CANCELLING'],
    // A cancel that came too late ends as the sweep really ended.
    CANCELLING: ['CANCELLED', 'SUCCEEDED', 'FAILED'],
    SUCCEEDED: [],
    FAILED: [],
    CANCELLED: [],
  },
} as const satisfies StateTable<
  'QUEUED' | 'RUNNING' | 'CANCELLING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED'
>;
export type SweepState = keyof (typeof sweepStates)['next'];

export const sweepGoals = ['MINIMIZE', 'MAXIMIZE'] as const;
export type SweepGoal = (typeof sweepGoals)[number];

export interface SweepObjective {
  readonly metric: string;
  readonly goal: SweepGoal;
}

/** How many of a sweep's runs ended, by how. */
export interface EndedRuns {
  readonly SUCCEEDED: number;
  readonly FAILED: number;
  readonly CANCELLED: number;
  readonly LOST: number;
}

export interface BestRun {
  readonly runId: Id<'TrainingRun'>;
  /** Its number within the sweep. */
  readonly number: number;
  readonly value: number;
}

/** One wish that becomes many runs of one module version on one data set version, compared by one metric. */
export interface Sweep extends Ownership {
  readonly id: Id<'Sweep'>;
  readonly version: number;
  /** 1, 2, 3 … over the installation; a human key. */
  readonly number: number;
  readonly name: string;
  readonly moduleVersionId: Id<'ModuleVersion'>;
  readonly datasetVersionId: Id<'DatasetVersion'>;
  readonly splitId: Id<'Split'>;
  /** What all its runs are given, as it was asked for. */
  readonly arguments: JsonObject;
  readonly parameters: readonly SweepParameter[];
  readonly strategy: SweepStrategy;
  /** How many runs it has. */
  readonly trials: number;
  readonly objective: SweepObjective;
  /** Of what is drawn, and of each run: they differ in their arguments only. */
  readonly seed: number;
  readonly resources: Resources;
  readonly requestedBackend: string | null;
  readonly resumeFrom: Id<'Artifact'> | null;
  /** How many run at the same time; null for all. */
  readonly atOnce: number | null;
  readonly state: SweepState;
  readonly stateSince: number;
  /** The runs with the numbers 1 to `letOn` may go to a backend. */
  readonly letOn: number;
  /** How many of those have not ended. */
  readonly underWay: number;
  /** The backend that was given its runs together; null where each is handed over by itself. */
  readonly arrayOn: string | null;
  readonly ended: EndedRuns;
  readonly best: BestRun | null;
  readonly cancelRequestedAt: number | null;
  readonly finishedAt: number | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export const nothingEnded: EndedRuns = Object.freeze({
  SUCCEEDED: 0,
  FAILED: 0,
  CANCELLED: 0,
  LOST: 0,
});

export function endedCount(ended: EndedRuns): number {
  return ended.SUCCEEDED + ended.FAILED + ended.CANCELLED + ended.LOST;
}

/**
 * What a sweep ends as; null while one of its runs has not ended. CANCELLED when a cancel was asked for and came in time
 * for one run at least, or when every run was cancelled by itself; otherwise SUCCEEDED when one run did, and FAILED.
 */
export function endOfSweep(
  sweep: Pick<Sweep, 'trials' | 'ended' | 'cancelRequestedAt'>,
): 'SUCCEEDED' | 'FAILED' | 'CANCELLED' | null {
  const { trials, ended, cancelRequestedAt } = sweep;
  if (endedCount(ended) < trials) return null;
  const isStopped = cancelRequestedAt !== null && ended.CANCELLED > 0;
  if (isStopped || ended.CANCELLED === trials) return 'CANCELLED';
  return ended.SUCCEEDED > 0 ? 'SUCCEEDED' : 'FAILED';
}

/**
 * The better of the best so far and a run that ended. Only runs that SUCCEEDED and have the metric count; of equal ones
 * the run with the lower number, so that the best does not depend on which ended first.
 */
export function betterRun(
  { goal, metric }: SweepObjective,
  best: BestRun | null,
  run: Pick<TrainingRun, 'id' | 'state' | 'metrics'> & { readonly number: number },
): BestRun | null {
  const value = Object.hasOwn(run.metrics, metric) ? run.metrics[metric] : undefined;
  if (run.state !== 'SUCCEEDED' || value === undefined || !Number.isFinite(value)) return best;
  const candidate = { runId: run.id, number: run.number, value };
  if (best === null) return candidate;
  if (value === best.value) return run.number < best.number ? candidate : best;
  const isBetter = goal === 'MINIMIZE' ? value < best.value : value > best.value;
  return isBetter ? candidate : best;
}

/** How many more runs may be let on now. */
export function roomIn(
  sweep: Pick<Sweep, 'atOnce' | 'underWay' | 'trials' | 'letOn' | 'cancelRequestedAt'>,
): number {
  if (sweep.cancelRequestedAt !== null) return 0;
  const left = sweep.trials - sweep.letOn;
  return sweep.atOnce === null ? left : Math.min(left, Math.max(0, sweep.atOnce - sweep.underWay));
}
