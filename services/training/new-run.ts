import type { Actor } from '../../domain/actor.ts';
import { newId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Acceptable } from './accept-run.ts';

/** What a new run has beside what was judged of the request. */
export interface NewRun {
  readonly actor: Actor;
  readonly accepted: Omit<Acceptable<unknown>, 'arguments'>;
  readonly arguments: JsonObject;
  readonly requestedBackend: string | null;
  /** Null: by its number. */
  readonly name: string | null;
  readonly waiting: Pick<Waiting, 'code' | 'message'>;
  readonly sweep: Pick<TrainingRun, 'sweepId' | 'sweepNumber'>;
  /** Of the request that asked for it. */
  readonly traceparent: string | null;
}

export const choosing = {
  code: 'DISPATCHING',
  message: 'Accepted; a backend is being chosen.',
} as const;

/** A run and its first events, written in the caller's transaction. Who looks after it is the caller's to say. */
export async function insertRun(
  { ambient }: Pick<Surroundings, 'ambient'>,
  tx: Transaction,
  now: number,
  made: NewRun,
): Promise<TrainingRun> {
  const { actor, accepted } = made;
  const number = await tx.nextNumber('trainingRun');
  const run: TrainingRun = {
    id: newId('TrainingRun', now, () => ambient.random()),
    version: 1,
    owner: actor.subject,
    visibility: 'PRIVATE',
    number,
    name: made.name ?? `run-${number}`,
    moduleVersionId: accepted.version.id,
    datasetVersionId: accepted.data.id,
    splitId: accepted.split.id,
    ...made.sweep,
    arguments: made.arguments,
    seed: accepted.seed,
    resources: accepted.resources,
    requestedBackend: made.requestedBackend,
    backend: null,
    resumeFrom: accepted.checkpoint?.id ?? null,
    state: 'QUEUED',
    stateSince: now,
    waiting: { ...made.waiting, since: now, nextAttemptAt: null, raw: null },
    progress: null,
    metrics: {},
    outcome: null,
    cancelRequestedAt: null,
    observedAt: null,
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    traceparent: made.traceparent,
    createdAt: now,
    updatedAt: now,
  };
  await tx.trainingRuns.insert(run);
  await tx.events.append(run.id, now, [
    { type: 'trainingRun.accepted' },
    { type: 'trainingRun.stateChanged', from: null, to: 'QUEUED', reason: null, outcome: null },
  ]);
  return run;
}
