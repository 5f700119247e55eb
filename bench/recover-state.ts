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
    const copies = Array.from({ length: Math.min(inTransaction, count - jobs.length) }, (_, at) => {
      const number = jobs.length + at;
      return copyOf(run, attempt, run.number + 1 + number, number % 10 === 9);
    });
    const runs = copies.map((copy) => copy.run);
    await store.transaction(async (tx) => {
      await tx.trainingRuns.insertMany(runs);
      await tx.attempts.insertMany(copies.map((copy) => copy.attempt));
      await tx.events.appendAll(
        Date.now(),
        runs.map((one) => ({ aggregateId: one.id, events: eventsOf(one) })),
      );
      const keys = runs.map(({ id }) => id);
      await tx.enqueueMany(trainingRunWork, keys, Date.now());
      await tx.nextNumbers('trainingRun', keys.length);
    });
    for (const { run: one, attempt: own } of copies) {
      jobs.push([own.key, one.id, one.state === 'PENDING' ? 'PENDING' : 'RUNNING']);
    }
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
