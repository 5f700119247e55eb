import { describe, expect, it } from 'vitest';
import type { Store } from '../../store/contract/store.ts';
import { dataset, id, run } from './store-samples.ts';
import { codeOf } from './store-target.ts';

const state = (to: 'QUEUED' | 'PLACED') =>
  ({ type: 'trainingRun.stateChanged', from: null, to, reason: null, outcome: null }) as const;

/** What a transaction does for many things in one statement: the same as one by one. */
export function describeMany(store: () => Store): void {
  describe('many at once', () => {
    it('are inserted as they are, odd text, missing values and numbers included', async () => {
      const odd = '"quoted" \\back\\slash {curly,comma} null \n\t \u0001 ü 😀 \' NULL';
      const all = [
        run({ name: odd, backend: null, seed: Number.MAX_SAFE_INTEGER, number: 910_001 }),
        run({ name: 'null', backend: 'local', number: 910_002 }),
        run({ name: '', backend: '', number: 910_003, arguments: { odd } }),
      ];
      await store().transaction((tx) => tx.trainingRuns.insertMany(all));
      const ids = all.map((one) => one.id);
      expect(await store().trainingRuns.getMany(ids)).toEqual(all);
      // By its columns too: what is null, is; what says null, is not.
      const names = async (backend: string | null): Promise<readonly string[]> => {
        const where = { backend, number: { atLeast: 910_001 } };
        return (await store().trainingRuns.list({ where }, 10)).map(({ name }) => name);
      };
      expect(await names(null)).toEqual([odd]);
      expect(await names('')).toEqual(['']);
      expect(await store().trainingRuns.find({ where: { number: 910_002 } })).toEqual(all[1]);
    });

    it('are refused when one of them is there, and the transaction may go on', async () => {
      const [one, other, third] = [dataset(), dataset(), dataset()];
      await store().transaction((tx) => tx.datasets.insert(one));
      await store().transaction(async (tx) => {
        const both = tx.datasets.insertMany([other, { ...third, name: one.name }]);
        expect(await codeOf(both)).toBe('ALREADY_EXISTS');
      });
      await store().transaction(async (tx) => {
        expect(await codeOf(tx.datasets.insertMany([one]))).toBe('ALREADY_EXISTS');
        await tx.datasets.insertMany([third]);
        await tx.datasets.insertMany([]);
      });
      expect(await store().datasets.get(third.id)).toEqual(third);
    });

    it('are numbered in one piece, without a gap to those who take one', async () => {
      const counter = `many.${id('Split')}`;
      const firsts = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store().transaction(
            (tx) => (index % 2 === 0 ? tx.nextNumbers(counter, index + 1) : tx.nextNumber(counter)),
            { takesNumbers: index % 4 < 2 },
          ),
        ),
      );
      const taken = firsts.flatMap((first, index) =>
        Array.from({ length: index % 2 === 0 ? index + 1 : 1 }, (_, at) => first + at),
      );
      expect(taken.toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: taken.length }, (_, index) => index + 1),
      );
    });

    it('have the same events, behind what each had', async () => {
      const ids = [id('TrainingRun'), id('TrainingRun')];
      const [first = ''] = ids;
      await store().transaction((tx) => tx.events.append(first, 1, [state('QUEUED')]));
      const woken = store().events.changed(first, 1, AbortSignal.timeout(20_000));
      await store().transaction(async (tx) => {
        await tx.events.appendToEach(ids, 2, [state('QUEUED'), state('PLACED')]);
        await tx.events.appendToEach(ids, 3, [state('PLACED')]);
        await tx.events.appendToEach([], 3, [state('PLACED')]);
      });
      await woken;
      const read = async (aggregate: string) =>
        (await store().events.read(aggregate, 0, 10)).map(({ sequence, at }) => [sequence, at]);
      expect(await read(first)).toEqual([
        [1, 1],
        [2, 2],
        [3, 2],
        [4, 3],
      ]);
      expect(await read(ids[1] ?? '')).toEqual([
        [1, 2],
        [2, 2],
        [3, 3],
      ]);
    });

    it('have events of their own, behind what each had, and only their own readers are woken', async () => {
      const ids = [id('TrainingRun'), id('TrainingRun'), id('TrainingRun')];
      const [first = '', second = '', third = ''] = ids;
      await store().transaction((tx) => tx.events.append(first, 1, [state('QUEUED')]));
      const stop = new AbortController();
      const woken = store().events.changed(second, 0, AbortSignal.timeout(20_000));
      let isThirdWoken = false;
      const idle = store()
        .events.changed(third, 0, stop.signal)
        .then(() => (isThirdWoken = !stop.signal.aborted));
      await store().transaction(async (tx) => {
        await tx.events.appendAll(2, [
          { aggregateId: first, events: [state('PLACED')] },
          { aggregateId: second, events: [state('QUEUED'), state('PLACED')] },
          { aggregateId: third, events: [] },
        ]);
        await tx.events.appendAll(2, []);
      });
      await woken;
      const read = async (aggregate: string) =>
        (await store().events.read(aggregate, 0, 10)).map(({ sequence, event }) => [
          sequence,
          'to' in event ? event.to : null,
        ]);
      expect(await read(first)).toEqual([
        [1, 'QUEUED'],
        [2, 'PLACED'],
      ]);
      expect(await read(second)).toEqual([
        [1, 'QUEUED'],
        [2, 'PLACED'],
      ]);
      expect(isThirdWoken).toBe(false);
      stop.abort();
      await idle;
    });

    it('are changed together, found by what is new in them and no more by what was', async () => {
      const owner = `owner ${id('Split')}`;
      const all = [1, 2, 3].map((at) => run({ owner, name: `many ${at}`, number: 930_000 + at }));
      await store().transaction((tx) => tx.trainingRuns.insertMany(all));
      const changes = all.map((before, at) => ({
        before,
        entity: {
          ...before,
          version: 2,
          observedAt: 7,
          ...(at === 0 && { state: 'PLACED' as const, backend: 'there', updatedAt: 9_999 }),
          ...(at === 1 && { state: 'PLACED' as const }),
        },
      }));
      await store().transaction((tx) => tx.trainingRuns.updateMany(changes));
      await store().transaction((tx) => tx.trainingRuns.updateMany([]));
      const ids = all.map((one) => one.id);
      expect(await store().trainingRuns.getMany(ids)).toEqual(changes.map(({ entity }) => entity));
      const named = async (where: object): Promise<readonly string[]> =>
        (await store().trainingRuns.list({ where: { owner, ...where } }, 10))
          .map(({ name }) => name)
          .toSorted();
      expect(await named({ state: 'PLACED' })).toEqual(['many 1', 'many 2']);
      expect(await named({ state: 'QUEUED' })).toEqual(['many 3']);
      expect(await named({ backend: 'there' })).toEqual(['many 1']);
      expect(await named({ updatedAt: 9_999 })).toEqual(['many 1']);
    });

    it('are not changed when one of them was overtaken', async () => {
      const all = [1, 2].map((at) => run({ number: 940_000 + at }));
      await store().transaction((tx) => tx.trainingRuns.insertMany(all));
      const next = (before: (typeof all)[number], name: string) => ({
        before,
        entity: { ...before, version: before.version + 1, name },
      });
      const [one, other] = all;
      if (one === undefined || other === undefined) throw new Error('There are none.');
      await store().transaction((tx) => tx.trainingRuns.update(next(one, 'first').entity));
      const late = store().transaction((tx) =>
        tx.trainingRuns.updateMany([next(other, 'late'), next(one, 'late')]),
      );
      expect(await codeOf(late)).toBe('VERSION_CONFLICT');
      const names = (await store().trainingRuns.getMany([one.id, other.id])).map(
        (found) => found?.name,
      );
      expect(names).toEqual(['first', other.name]);
      const skipping = store().transaction((tx) =>
        tx.trainingRuns.updateMany([{ before: one, entity: { ...one, version: 3 } }]),
      );
      await expect(skipping).rejects.toThrow(TypeError);
    });

    it('say which leases are still held, and those pass to nobody before the end', async () => {
      const kind = `held.${id('Split')}`;
      await store().transaction((tx) => tx.enqueueMany(kind, ['a', 'b', 'c'], 0));
      const claim = (now: number) =>
        store().work.claim({ kinds: [kind], worker: 'w', now, leaseMs: 100, limit: 10 });
      const leases = await claim(1_000);
      await store().work.releaseAll(
        leases.filter(({ key }) => key === 'b'),
        1_000,
      );
      const [again] = await claim(1_000);
      if (again === undefined) throw new Error('Nothing was due.');
      const held = await store().transaction((tx) => tx.heldOf(leases));
      expect(held.map(({ key }) => key)).toEqual(['a', 'c']);
      expect(await store().transaction((tx) => tx.heldOf([again]))).toEqual([again]);
      expect(await store().transaction((tx) => tx.heldOf([]))).toEqual([]);
    });

    it('streams are ended together, whether there was anything in them or not', async () => {
      const [full, empty, open] = [id('Split'), id('Split'), id('Split')];
      await store().transaction((tx) => tx.streams.append(full, ['one', 'two']));
      const woken = store().streams.changed(full, 2, AbortSignal.timeout(20_000));
      await store().transaction(async (tx) => {
        const last = tx.streams.append(full, ['three']);
        await Promise.all([last, tx.streams.endMany([full, empty, full]), tx.streams.endMany([])]);
        await tx.streams.append(open, ['one']);
      });
      await woken;
      expect(await store().streams.stat(full)).toMatchObject({ head: 3, ended: true });
      expect(await store().streams.stat(empty)).toMatchObject({ head: 0, ended: true });
      expect(await store().streams.stat(open)).toMatchObject({ head: 1, ended: false });
      const late = store().transaction((tx) => tx.streams.append(empty, ['late']));
      expect(await codeOf(late)).toBe('WRONG_STATE');
    });

    it('are asked for as work, each as if alone: a repeat is one, the earlier time holds, a lease keeps the wish', async () => {
      const kind = `many.${id('Split')}`;
      const claim = async (now: number) =>
        store().work.claim({ kinds: [kind], worker: 'w', now, leaseMs: 1_000, limit: 10 });
      await store().transaction((tx) => tx.enqueueMany(kind, ['a', 'b', 'b', 'c'], 50));
      await store().transaction((tx) => tx.enqueueMany(kind, ['a', 'b'], 10));
      await store().transaction((tx) => tx.enqueueMany(kind, [], 10));
      const early = await claim(20);
      expect(early.map(({ key }) => key).toSorted()).toEqual(['a', 'b']);
      await store().transaction((tx) => tx.enqueueMany(kind, ['a', 'c'], 30));
      for (const lease of early) await store().work.release(lease, null);
      expect((await claim(30)).map(({ key }) => key).toSorted()).toEqual(['a', 'c']);
    });

    it('take their keys with their answers, and hear what a taken one is bound to', async () => {
      const [old, free, other] = [id('Split'), id('Split'), id('Split')];
      const bound = (key: string, answer: string) => ({
        scope: 'many create',
        key,
        inputDigest: `digest of ${answer}`,
        answer,
      });
      await store().transaction((tx) => tx.idempotency.claim('many create', other, 'early'));
      const claim = (...claims: readonly ReturnType<typeof bound>[]) =>
        store().transaction((tx) => tx.idempotency.claimEach(claims));
      expect(await claim(bound(old, 'one'))).toEqual([null]);
      const one = { inputDigest: 'digest of one', answer: 'one' };
      const early = { inputDigest: 'early', answer: null };
      expect(await claim(bound(old, 'x'), bound(free, 'two'), bound(other, 'y'))).toEqual([
        one,
        null,
        early,
      ]);
      expect(await claim(bound(free, 'z'))).toEqual([
        { inputDigest: 'digest of two', answer: 'two' },
      ]);
      expect(await claim()).toEqual([]);
    });

    it('leave nothing when the transaction fails', async () => {
      const counter = `failed.${id('Split')}`;
      const one = run({ number: 920_001 });
      const failed = store().transaction(async (tx) => {
        await tx.nextNumbers(counter, 7);
        await tx.trainingRuns.insertMany([one]);
        await tx.events.appendToEach([one.id], 1, [state('QUEUED')]);
        await tx.enqueueMany(counter, [one.id], 1);
        throw new Error('no');
      });
      await expect(failed).rejects.toThrow('no');
      expect(await store().transaction((tx) => tx.nextNumber(counter))).toBe(1);
      expect(await store().trainingRuns.get(one.id)).toBeNull();
      expect(await store().events.head(one.id)).toBe(0);
      expect(await store().work.nextDue([counter])).toBeNull();
    });
  });
}
