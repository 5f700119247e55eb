import { FathomError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';
import type { TrainingRun } from '../../domain/training-run.ts';
import type { Transaction } from '../../store/contract/store.ts';
import { checkIdempotencyKey, type OnceKey, onceClaim, onceMismatch } from '../once.ts';
import type { Surroundings } from '../surroundings.ts';
import { type Draft, insertRuns } from './new-run.ts';
import { Together } from './together.ts';
import { trainingRunWork } from './work-kinds.ts';

interface Asked {
  readonly draft: Draft;
  readonly key: OnceKey;
}

/**
 * Accepts runs durably: the run, its idempotency key, its number, its first events and the wish for a look are one
 * transaction. Those that ask while one is under way share the next one, in the order in which they asked: each takes the
 * next number of all runs, so side by side they would only be in each other's way.
 */
export class RunAcceptance {
  readonly #asked: Together<Asked, TrainingRun>;

  constructor({ store }: Pick<Surroundings, 'store'>) {
    this.#asked = new Together(
      (batch) => store.transaction((tx) => acceptAll(tx, batch), { takesNumbers: true }),
      // When the store is in trouble, all are.
      (error) => !(error instanceof FathomError) || error.code === 'ALREADY_EXISTS',
    );
  }

  /** Of two with one key and one input both get the first one's run. */
  accept(draft: Draft, key: OnceKey): Promise<TrainingRun> {
    checkIdempotencyKey(key.idempotencyKey);
    return this.#asked.add({ draft, key });
  }
}

/** For each the run that it gets, or why it gets none. */
async function acceptAll(
  tx: Transaction,
  batch: readonly Asked[],
): Promise<readonly (TrainingRun | Error)[]> {
  const claims = batch.map(({ draft, key }) => onceClaim(key, draft.id));
  const firsts = new Map<string, number>();
  for (const [index, claim] of claims.entries()) {
    if (claim !== null && !firsts.has(claim.name)) firsts.set(claim.name, index);
  }
  const unique = [...firsts.values()].flatMap((index) => claims[index] ?? []);
  const bound = await tx.idempotency.claimEach(unique);
  const earlier = new Map(unique.map(({ name }, at) => [name, bound[at] ?? null]));
  // Those whose key is free and not a neighbour's, and those without one.
  const isNew = (index: number): boolean => {
    const claim = claims[index] ?? null;
    return claim === null || (firsts.get(claim.name) === index && earlier.get(claim.name) === null);
  };
  const drafts = batch.flatMap(({ draft }, index) => (isNew(index) ? [draft] : []));
  const runs = await insertAll(tx, drafts);
  const byId = new Map<Json, TrainingRun>(runs.map((run) => [run.id, run]));
  const old = [...earlier.values()].flatMap((found) =>
    typeof found?.answer === 'string' ? [found.answer] : [],
  );
  for (const run of await tx.trainingRuns.getMany(old)) if (run !== null) byId.set(run.id, run);
  return batch.map(({ draft, key }, index): TrainingRun | Error => {
    const claim = claims[index] ?? null;
    const first = claim === null ? null : (claims[firsts.get(claim.name) ?? index] ?? null);
    const taken = claim === null ? null : (earlier.get(claim.name) ?? first);
    if (claim !== null && taken?.inputDigest !== claim.inputDigest) return onceMismatch(key);
    return byId.get(taken?.answer ?? draft.id) ?? new Error('The accepted run is not there.');
  });
}

async function insertAll(
  tx: Transaction,
  drafts: readonly Draft[],
): Promise<readonly TrainingRun[]> {
  const now = drafts.at(-1)?.createdAt ?? 0;
  const runs = await insertRuns(tx, drafts, now);
  await tx.enqueueMany(
    trainingRunWork,
    runs.map(({ id }) => id),
    now,
  );
  return runs;
}
