import type { Actor } from '../../domain/actor.ts';
import type { TrainingRunEvent } from '../../domain/event.ts';
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

/** A run before it has its number; without a name it is called by that. */
export type Draft = Omit<TrainingRun, 'number' | 'name'> & { readonly name: string | null };

export const choosing = {
  code: 'DISPATCHING',
  message: 'Accepted; a backend is being chosen.',
} as const;

export function draftOf(
  { ambient }: Pick<Surroundings, 'ambient'>,
  now: number,
  made: NewRun,
): Draft {
  const { actor, accepted } = made;
  return {
    id: newId('TrainingRun', now, () => ambient.random()),
    version: 1,
    owner: actor.subject,
    visibility: 'PRIVATE',
    name: made.name,
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
}

const accepted: readonly TrainingRunEvent[] = [
  { type: 'trainingRun.accepted' },
  { type: 'trainingRun.stateChanged', from: null, to: 'QUEUED', reason: null, outcome: null },
];

/**
 * Runs with the next numbers in their order, and their first events, written in the caller's transaction, which should say
 * that it takes numbers. Who looks after them is the caller's to say.
 */
export async function insertRuns(
  tx: Transaction,
  drafts: readonly Draft[],
  now: number,
): Promise<readonly TrainingRun[]> {
  if (drafts.length === 0) return [];
  const first = await tx.nextNumbers('trainingRun', drafts.length);
  const runs = drafts.map((draft, index): TrainingRun => {
    const number = first + index;
    return { ...draft, number, name: draft.name ?? `run-${number}` };
  });
  await tx.trainingRuns.insertMany(runs);
  const ids = runs.map(({ id }) => id);
  await tx.events.appendToEach(ids, now, accepted);
  return runs;
}
