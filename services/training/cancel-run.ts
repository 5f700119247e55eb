import type { Actor } from '../../domain/actor.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Transaction } from '../../store/contract/store.ts';
import { RunRecord } from './run-record.ts';
import { trainingRunWork } from './work-kinds.ts';

/** Writes the wish that a run which has not ended should, for the look that passes it on. */
export async function askForEnd(
  tx: Transaction,
  run: TrainingRun,
  actor: Actor,
  now: number,
): Promise<void> {
  const record = new RunRecord(run, null, now);
  record.patch({ cancelRequestedAt: now });
  record.tell({ type: 'trainingRun.cancelRequested', by: actor.subject });
  await record.save(tx);
  await tx.enqueue(trainingRunWork, run.id, now);
}
