import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { FathomError } from '../../../domain/errors.ts';
import type { TrainingRun } from '../../../domain/training-run.ts';
import { RunAcceptance } from '../../../services/training/acceptance.ts';
import type { Draft } from '../../../services/training/new-run.ts';
import { trainingRunWork } from '../../../services/training/work-kinds.ts';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { run } from '../../contract/store-samples.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

describe('runs that are accepted together', () => {
  let folder = '';
  let store: Store;
  let transactions = 0;
  let failure: Error | null = null;
  let acceptance: RunAcceptance;

  const draft = (more: Partial<Draft> = {}): Draft => ({ ...run(), name: null, ...more });
  const accept = (one: Draft, idempotencyKey: string | null = null, input = 'same') =>
    acceptance.accept(one, { actor: localOwner, operation: 'test', idempotencyKey, input });
  /** A run, or the code of why there is none. */
  const told = async (promise: Promise<TrainingRun>): Promise<TrainingRun | string> =>
    promise.catch((error: unknown) => (error instanceof FathomError ? error.code : String(error)));

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fathom-acceptance-'));
    store = await openEmbeddedStore({ folder, ambient });
  });
  beforeEach(() => {
    transactions = 0;
    failure = null;
    const counted: Pick<Store, 'transaction'> = {
      transaction: (work, hints) => {
        transactions += 1;
        return failure === null ? store.transaction(work, hints) : Promise.reject(failure);
      },
    };
    acceptance = new RunAcceptance({ store: counted as Store });
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });

  test('have numbers in the order in which they asked, events and a look each, in few transactions', async () => {
    const drafts = Array.from({ length: 150 }, (_, at) =>
      draft({ name: at === 7 ? 'mine' : null }),
    );
    const runs = await Promise.all(drafts.map((one) => accept(one)));
    expect(runs.map(({ id }) => id)).toEqual(drafts.map(({ id }) => id));
    const [first] = runs;
    const numbers = runs.map(({ number }) => number);
    expect(numbers).toEqual(runs.map((_, at) => (first?.number ?? 0) + at));
    expect(runs[7]?.name).toBe('mine');
    expect(runs[8]?.name).toBe(`run-${runs[8]?.number}`);
    expect(await store.trainingRuns.getMany(runs.map(({ id }) => id))).toEqual(runs);
    for (const { id } of [runs[0], runs[99], runs[149]].flatMap((one) => one ?? [])) {
      const events = await store.events.read(id, 0, 10);
      expect(events.map(({ sequence, event }) => [sequence, event.type])).toEqual([
        [1, 'trainingRun.accepted'],
        [2, 'trainingRun.stateChanged'],
      ]);
    }
    const claim = {
      kinds: [trainingRunWork],
      worker: 'w',
      now: Date.now(),
      leaseMs: 1,
      limit: 999,
    };
    const due = await store.work.claim(claim);
    expect(due.map(({ key }) => key)).toEqual(expect.arrayContaining(drafts.map(({ id }) => id)));
    expect(transactions).toBeLessThanOrEqual(4);
  });

  test('with one key are one, whether it came before, with them or after; another input is refused', async () => {
    const before = await accept(draft(), 'old');
    const [again, one, two, other, free] = await Promise.all([
      told(accept(draft(), 'old')),
      told(accept(draft(), 'new')),
      told(accept(draft(), 'new')),
      told(accept(draft(), 'new', 'other')),
      told(accept(draft())),
    ]);
    expect(again).toEqual(before);
    expect(two).toEqual(one);
    expect(other).toBe('IDEMPOTENCY_MISMATCH');
    expect(await told(accept(draft(), 'old', 'other'))).toBe('IDEMPOTENCY_MISMATCH');
    expect(await told(accept(draft(), 'new'))).toEqual(one);
    // Only those that are runs have numbers.
    const { number } = free as TrainingRun;
    expect([(one as TrainingRun).number, number]).toEqual([before.number + 1, before.number + 2]);
    expect(() => accept(draft(), '')).toThrow('An idempotency key has');
  });

  test('are not lost by a neighbour that cannot be written', async () => {
    const [one, two] = [draft(), draft()];
    const [first, same, other] = await Promise.all([
      told(accept(one)),
      told(accept({ ...two, id: one.id })),
      told(accept(two)),
    ]);
    expect(same).toBe('ALREADY_EXISTS');
    expect(await store.trainingRuns.getMany([one.id, two.id])).toEqual([first, other]);
    expect((other as TrainingRun).number).toBe((first as TrainingRun).number + 1);
  });

  test('are all told when the store is in trouble, and it is not asked again for each', async () => {
    failure = new FathomError('STORE_UNAVAILABLE', 'The database cannot be reached for now.');
    const answers = await Promise.all(Array.from({ length: 20 }, () => told(accept(draft()))));
    expect(new Set(answers)).toEqual(new Set(['STORE_UNAVAILABLE']));
    expect(transactions).toBe(1);
    failure = null;
    expect(await accept(draft())).toMatchObject({ state: 'QUEUED' });
  });
});
