import type { Id } from '../../domain/ids.ts';
import {
  betterRun,
  type EndedRuns,
  endedCount,
  endOfSweep,
  roomIn,
  type Sweep,
} from '../../domain/sweep.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Transaction } from '../../store/contract/store.ts';
import { SweepRecord } from './sweep-record.ts';
import { sweepWork } from './work-kinds.ts';

/**
 * What the end of a run means to its sweep, in the transaction that ends the run: counts, the best, and its own end with
 * the last of them. It reads and writes the sweep alone, however many runs it has.
 */
export async function memberEnded(
  tx: Transaction,
  sweepId: Id<'Sweep'>,
  run: TrainingRun,
  now: number,
): Promise<void> {
  const sweep = await tx.sweeps.get(sweepId);
  if (sweep === null) throw new Error(`The sweep ${sweepId} of ${run.id} is gone.`);
  const number = run.sweepNumber ?? 0;
  const record = new SweepRecord(sweep, now);
  const ended = oneMore(sweep.ended, run.state as keyof EndedRuns);
  const underWay = sweep.underWay - (number <= sweep.letOn ? 1 : 0);
  record.patch({ ended, underWay });
  record.tell({
    type: 'sweep.runEnded',
    runId: run.id,
    number,
    state: run.state,
    value: run.metrics[sweep.objective.metric] ?? null,
    ended: endedCount(ended),
  });
  const best = betterRun(sweep.objective, sweep.best, { ...run, number });
  if (best !== null && best !== sweep.best) {
    record.patch({ best });
    record.tell({ type: 'sweep.bestChanged', best, previous: sweep.best });
  }
  const end = endOfSweep(record.sweep);
  if (end !== null) {
    record.patch({ finishedAt: now });
    record.move(end, sentence(record.sweep));
  }
  await record.save(tx);
  if (roomIn(record.sweep) > 0) await tx.enqueue(sweepWork, sweepId, now);
}

function oneMore(ended: EndedRuns, state: keyof EndedRuns): EndedRuns {
  return { ...ended, [state]: ended[state] + 1 };
}

/** `Of 6 runs 5 succeeded and 1 failed.` */
function sentence({ trials, ended }: Sweep): string {
  const parts = [
    `${ended.SUCCEEDED} succeeded`,
    ...(ended.FAILED > 0 ? [`${ended.FAILED} failed`] : []),
    ...(ended.CANCELLED > 0 ? [`${ended.CANCELLED} were cancelled`] : []),
    ...(ended.LOST > 0 ? [`${ended.LOST} were lost`] : []),
  ];
  return `Of ${trials} runs ${parts.join(', ')}.`;
}
