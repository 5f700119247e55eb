import { newId } from '../domain/ids.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { Attempt, TrainingRun } from '../domain/training-run.ts';
import { attemptKey, trainingRunWork } from '../services/training/work-kinds.ts';
import type { Store } from '../store/contract/store.ts';
import type { LedgerPhase } from './ledger-process.ts';

const inTransaction = 500;
const random = (): number => Math.random();

/** A job that the ledger has to have. */
export type FilledJob = readonly [key: string, run: string, phase: LedgerPhase];

/** Writes `count` copies of a run that is under way, one in ten of them waiting for the site; gives their native jobs. */
export async function fillRuns(
  store: Store,
  count: number,
  like: string,
): Promise<readonly FilledJob[]> {
  const run = await store.trainingRuns.get(like);
  const attempt = await store.attempts.find({ where: { runId: like } });
  if (run === null || attempt === null) throw new Error('There is no run to copy.');
  const jobs: FilledJob[] = [];
  while (jobs.length < count) {
    await store.transaction(async (tx) => {
      for (let at = 0; at < inTransaction && jobs.length < count; at += 1) {
        const waits = jobs.length % 10 === 9;
        const number = run.number + 1 + jobs.length;
        const copy = copyOf(run, attempt, number, waits);
        await tx.trainingRuns.insert(copy.run);
        await tx.attempts.insert(copy.attempt);
        await tx.events.append(copy.run.id, copy.run.createdAt, eventsOf(copy.run));
        await tx.enqueue(trainingRunWork, copy.run.id, copy.run.createdAt);
        await tx.nextNumber('trainingRun');
        jobs.push([copy.attempt.key, copy.run.id, waits ? 'PENDING' : 'RUNNING']);
      }
    });
  }
  return jobs;
}

function copyOf(
  run: TrainingRun,
  attempt: Attempt,
  number: number,
  waits: boolean,
): { readonly run: TrainingRun; readonly attempt: Attempt } {
  const now = Date.now();
  const id = newId('TrainingRun', now, random);
  const key = attemptKey(id, 1);
  const state = waits ? 'PENDING' : 'RUNNING';
  const waiting = { code: 'RESOURCES_BUSY', message: 'Others are first.', raw: null } as const;
  const times = { stateSince: now, observedAt: now, createdAt: now, updatedAt: now };
  return {
    run: {
      ...run,
      ...times,
      id,
      number,
      name: `copy-${number}`,
      state,
      waiting: waits ? { ...waiting, since: now, nextAttemptAt: null } : null,
      startedAt: waits ? null : now,
    },
    attempt: {
      ...attempt,
      ...times,
      id: newId('Attempt', now, random),
      runId: id,
      key,
      state,
      handle: { backend: attempt.backend, version: 1, native: { key } },
      nativeState: waits ? 'pending' : 'running',
    },
  };
}

function eventsOf({ state }: TrainingRun): readonly DomainEvent[] {
  const states = ['QUEUED', 'PLACED', 'SUBMITTED', 'PENDING', state] as const;
  return [
    { type: 'trainingRun.accepted' },
    ...states.map((to, at) => ({
      type: 'trainingRun.stateChanged' as const,
      from: states[at - 1] ?? null,
      to,
      reason: null,
      outcome: null,
    })),
  ];
}
