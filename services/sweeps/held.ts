import type { TrainingRun } from '../../domain/training-run.ts';
import type { Reads } from '../../store/contract/store.ts';

/** Whether a run waits for others of its sweep. */
export async function isHeld(
  { sweeps }: Pick<Reads, 'sweeps'>,
  { sweepId, sweepNumber }: Pick<TrainingRun, 'sweepId' | 'sweepNumber'>,
): Promise<boolean> {
  if (sweepId === undefined || sweepNumber === undefined) return false;
  const sweep = await sweeps.get(sweepId);
  return sweep !== null && sweepNumber > sweep.letOn;
}
