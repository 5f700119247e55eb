import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Store } from '../../store/contract/store.ts';
import type { TableName } from '../../store/contract/table.ts';
import { tableColumns } from '../../store/contract/table.ts';
import { describeEventLog } from './store-events.contract.ts';
import { describeMany } from './store-many.contract.ts';
import { describePages } from './store-pages.contract.ts';
import { dataset, id, oneOfEach, run, split } from './store-samples.ts';
import { describeModuleSearch } from './store-search.contract.ts';
import { describeStreams } from './store-streams.contract.ts';
import { codeOf, type OpenedStore, type StoreTarget } from './store-target.ts';
import { describeWorkQueue } from './store-work.contract.ts';

/** What every store does. */
export function describeStore(target: StoreTarget): void {
  describe(`store on ${target.name}`, () => {
    let opened: OpenedStore;
    beforeAll(async () => {
      opened = await target.open();
    });
    afterAll(() => opened.destroy());
    const store = (): Store => opened.store;

    describeTables(store);
    describeTransactions(store);
    describeIdempotency(store);
    describeMany(store);
    describePages(store);
    describeEventLog(store);
    describeStreams(store);
    describeWorkQueue(store);
    describeModuleSearch(target);
    describeLife(target);
  });
}

function describeTables(store: () => Store): void {
  describe('tables', () => {
    it('gives back each kind of entity as it was stored', async () => {
      const samples = oneOfEach();
      expect(Object.keys(samples).toSorted()).toEqual(Object.keys(tableColumns).toSorted());
      await store().transaction(async (tx) => {
        for (const name of Object.keys(samples) as TableName[]) {
          await tx[name].insert(samples[name] as never);
        }
      });
      for (const name of Object.keys(samples) as TableName[]) {
        expect(await store()[name].get(samples[name].id)).toEqual(samples[name]);
      }
    });

    it('answers null for an id that is not there', async () => {
      expect(await store().trainingRuns.get(id('TrainingRun'))).toBeNull();
      expect(await store().trainingRuns.get("' or 1=1 --")).toBeNull();
    });

    it('answers many ids in their order, with null for the unknown and repeats as often as asked', async () => {
      const a = dataset();
      const b = dataset();
      await store().transaction(async (tx) => {
        await tx.datasets.insert(a);
        await tx.datasets.insert(b);
      });
      expect(await store().datasets.getMany([b.id, 'ds_none', a.id, b.id])).toEqual([
        b,
        null,
        a,
        b,
      ]);
      expect(await store().datasets.getMany([])).toEqual([]);
    });

    it('refuses a second row with the same unique columns, and the transaction may go on', async () => {
      const first = dataset({ name: 'taken' });
      await store().transaction((tx) => tx.datasets.insert(first));
      const other = dataset();
      const refused = await store().transaction(async (tx) => {
        const code = await codeOf(tx.datasets.insert(dataset({ name: 'taken' })));
        await tx.datasets.insert(other);
        return code;
      });
      expect(refused).toBe('ALREADY_EXISTS');
      expect(await store().datasets.get(other.id)).toEqual(other);
      await store().transaction((tx) =>
        tx.datasets.insert(dataset({ name: 'taken', owner: 'bob' })),
      );
    });

    it('compares every column of a unique set, fractions too', async () => {
      const one = split({ testFraction: 0.1 });
      await store().transaction((tx) => tx.splits.insert(one));
      await store().transaction((tx) => tx.splits.insert({ ...split(), ...unique(0.2) }));
      const again = store().transaction((tx) => tx.splits.insert({ ...split(), ...unique(0.1) }));
      expect(await codeOf(again)).toBe('ALREADY_EXISTS');

      function unique(testFraction: number): Partial<typeof one> {
        return { datasetVersionId: one.datasetVersionId, seed: one.seed, testFraction };
      }
    });

    it('refuses an id that is there', async () => {
      const one = dataset();
      await store().transaction((tx) => tx.datasets.insert(one));
      const again = store().transaction((tx) => tx.datasets.insert({ ...one, name: 'another' }));
      expect(await codeOf(again)).toBe('ALREADY_EXISTS');
    });

    it('updates the version before the one it is given', async () => {
      const one = run();
      await store().transaction((tx) => tx.trainingRuns.insert(one));
      const two = { ...one, version: 2, state: 'PLACED', backend: 'local' } as const;
      await store().transaction((tx) => tx.trainingRuns.update(two));
      expect(await store().trainingRuns.get(one.id)).toEqual(two);
      expect(
        await store().trainingRuns.count({ where: { number: one.number, state: 'PLACED' } }),
      ).toBe(1);
    });

    it('refuses a stale update and changes nothing', async () => {
      const one = run();
      await store().transaction((tx) => tx.trainingRuns.insert(one));
      const two = { ...one, version: 2, name: 'second' };
      await store().transaction((tx) => tx.trainingRuns.update(two));
      const stale = { ...one, version: 2, name: 'stale' };
      expect(await codeOf(store().transaction((tx) => tx.trainingRuns.update(stale)))).toBe(
        'VERSION_CONFLICT',
      );
      expect(await store().trainingRuns.get(one.id)).toEqual(two);
    });

    it('refuses to update what is not there', async () => {
      const none = store().transaction((tx) => tx.trainingRuns.update(run({ version: 2 })));
      expect(await codeOf(none)).toBe('VERSION_CONFLICT');
    });

    it('refuses an update that takes the unique columns of another', async () => {
      const one = dataset({ name: 'first-name' });
      const two = dataset({ name: 'second-name' });
      await store().transaction(async (tx) => {
        await tx.datasets.insert(one);
        await tx.datasets.insert(two);
      });
      const clash = { ...two, version: 2, name: 'first-name' };
      expect(await codeOf(store().transaction((tx) => tx.datasets.update(clash)))).toBe(
        'ALREADY_EXISTS',
      );
      expect(await store().datasets.get(two.id)).toEqual(two);
    });
  });
}

function describeTransactions(store: () => Store): void {
  describe('transactions', () => {
    it('see their own writes, which nobody else sees before the end', async () => {
      const one = dataset();
      await store().transaction(async (tx) => {
        await tx.datasets.insert(one);
        expect(await tx.datasets.get(one.id)).toEqual(one);
        expect(await store().datasets.get(one.id)).toBeNull();
      });
      expect(await store().datasets.get(one.id)).toEqual(one);
    });

    it('leave nothing behind when their work rejects, and neighbours are not touched', async () => {
      const [kept, gone, also] = [dataset(), dataset(), dataset()];
      const counter = `rolled.${kept.id}`;
      const results = await Promise.allSettled([
        store().transaction(async (tx) => {
          await tx.datasets.insert(kept);
          return tx.nextNumber(counter);
        }),
        store().transaction(async (tx) => {
          await tx.datasets.insert(gone);
          await tx.events.append(gone.id, 1, [{ type: 'trainingRun.accepted' }]);
          await tx.streams.append(gone.id, ['lost']);
          await tx.enqueue('rolled', gone.id, 0);
          await tx.idempotency.claim('rolled', gone.id, 'x');
          await tx.nextNumber(counter);
          throw new Error('no');
        }),
        store().transaction(async (tx) => {
          await tx.datasets.insert(also);
          return tx.nextNumber(counter);
        }),
      ]);
      expect(results.map((result) => result.status)).toEqual([
        'fulfilled',
        'rejected',
        'fulfilled',
      ]);
      const found = await store().datasets.getMany([kept.id, gone.id, also.id]);
      expect(found).toEqual([kept, null, also]);
      expect(await store().events.head(gone.id)).toBe(0);
      expect((await store().streams.stat(gone.id)).head).toBe(0);
      expect(await store().work.nextDue(['rolled'])).toBeNull();
      const claim = store().transaction((tx) => tx.idempotency.claim('rolled', gone.id, 'y'));
      expect(await claim).toBeNull();
      expect(await store().transaction((tx) => tx.nextNumber(counter))).toBe(3);
    });

    it('do not interleave: concurrent read-modify-writes lose no update', async () => {
      const one = run({ attempts: 0 });
      await store().transaction((tx) => tx.trainingRuns.insert(one));
      await Promise.all(
        Array.from({ length: 40 }, () =>
          store().transaction(async (tx) => {
            const now = await tx.trainingRuns.get(one.id);
            if (now === null) throw new Error('It is gone.');
            await tx.trainingRuns.update({
              ...now,
              version: now.version + 1,
              attempts: now.attempts + 1,
            });
          }),
        ),
      );
      expect(await store().trainingRuns.get(one.id)).toMatchObject({ version: 41, attempts: 40 });
    });

    it('are serialisable: those that count and then insert keep to a limit together', async () => {
      const moduleVersionId = id('ModuleVersion');
      const admitted = await Promise.all(
        Array.from({ length: 20 }, () =>
          store().transaction(async (tx) => {
            if ((await tx.trainingRuns.count({ where: { moduleVersionId } })) >= 5) return false;
            await tx.trainingRuns.insert(run({ moduleVersionId }));
            return true;
          }),
        ),
      );
      expect(admitted.filter((isIn) => isIn)).toHaveLength(5);
      expect(await store().trainingRuns.count({ where: { moduleVersionId } })).toBe(5);
    });

    it('that want the same rows in another order all come through', async () => {
      const [one, two] = [run({ attempts: 0 }), run({ attempts: 0 })];
      await store().transaction(async (tx) => {
        await tx.trainingRuns.insert(one);
        await tx.trainingRuns.insert(two);
      });
      await Promise.all(
        Array.from({ length: 16 }, (_, n) =>
          store().transaction(async (tx) => {
            for (const key of n % 2 === 0 ? [one.id, two.id] : [two.id, one.id]) {
              const now = await tx.trainingRuns.get(key);
              if (now === null) throw new Error('It is gone.');
              const next = { version: now.version + 1, attempts: now.attempts + 1 };
              await tx.trainingRuns.update({ ...now, ...next });
            }
          }),
        ),
      );
      const both = await store().trainingRuns.getMany([one.id, two.id]);
      expect(both.map((row) => row?.attempts)).toEqual([16, 16]);
    });

    it('go on after a refusal to be expected: a value that is taken, a version that passed', async () => {
      const [one, other] = [dataset({ name: 'kept-on' }), dataset()];
      await store().transaction((tx) => tx.datasets.insert(one));
      await store().transaction(async (tx) => {
        expect(await codeOf(tx.datasets.insert(one))).toBe('ALREADY_EXISTS');
        expect(await codeOf(tx.datasets.update({ ...one, version: 7 }))).toBe('VERSION_CONFLICT');
        await tx.datasets.insert(other);
      });
      expect(await store().datasets.get(other.id)).toEqual(other);
    });

    it('number without a gap and without a repeat', async () => {
      const counter = `numbers.${id('Split')}`;
      const numbers = await Promise.all(
        Array.from({ length: 30 }, () => store().transaction((tx) => tx.nextNumber(counter))),
      );
      const expected = Array.from({ length: 30 }, (_, index) => index + 1);
      expect(numbers.toSorted((a, b) => a - b)).toEqual(expected);
    });

    it('inside another one reject instead of waiting for themselves for ever', async () => {
      const nested = store().transaction(() => store().transaction(() => Promise.resolve(1)));
      await expect(nested).rejects.toThrow(/inside another/);
      expect(await store().transaction(() => Promise.resolve(2))).toBe(2);
    });

    it('refuse what comes after their end', async () => {
      const late = await store().transaction((tx) => Promise.resolve(tx));
      await expect(late.datasets.insert(dataset())).rejects.toThrow(/over/);
    });
  });
}

function describeIdempotency(store: () => Store): void {
  describe('idempotency', () => {
    it('gives fifty concurrent callers with one key one effect and one answer', async () => {
      const key = id('Split');
      let effects = 0;
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          store().transaction(async (tx) => {
            const earlier = await tx.idempotency.claim('alice create', key, 'digest');
            if (earlier !== null) return earlier;
            effects += 1;
            const answer = { number: await tx.nextNumber(`effects.${key}`) };
            await tx.idempotency.remember('alice create', key, answer);
            return { inputDigest: 'digest', answer };
          }),
        ),
      );
      expect(effects).toBe(1);
      expect(new Set(answers.map((answer) => JSON.stringify(answer)))).toEqual(
        new Set(['{"inputDigest":"digest","answer":{"number":1}}']),
      );
    });

    it('tells what a taken key is bound to, and keeps scopes apart', async () => {
      await store().transaction((tx) => tx.idempotency.claim('one', 'key', 'first'));
      const claim = (scope: string): Promise<unknown> =>
        store().transaction((tx) => tx.idempotency.claim(scope, 'key', 'second'));
      expect(await claim('one')).toEqual({ inputDigest: 'first', answer: null });
      expect(await claim('two')).toBeNull();
    });
  });
}

function describeLife(target: StoreTarget): void {
  describe('its life', () => {
    it('remembers everything when it is opened again', async () => {
      const opened = await target.open();
      try {
        const one = dataset();
        await opened.store.transaction(async (tx) => {
          await tx.datasets.insert(one);
          await tx.events.append(one.id, 5, [{ type: 'trainingRun.accepted' }]);
          await tx.streams.append('log', ['a', 'b']);
          await tx.enqueue('kind', one.id, 7);
          await tx.nextNumber('n');
        });
        const store = await opened.reopen();
        expect(await store.datasets.get(one.id)).toEqual(one);
        expect(await store.events.read(one.id, 0, 10)).toEqual([
          { aggregateId: one.id, sequence: 1, at: 5, event: { type: 'trainingRun.accepted' } },
        ]);
        expect(await store.streams.read('log', 0, 10)).toEqual([
          { offset: 1, value: 'a' },
          { offset: 2, value: 'b' },
        ]);
        expect(await store.work.nextDue(['kind'])).toBe(7);
        expect(await store.transaction((tx) => tx.nextNumber('n'))).toBe(2);
      } finally {
        await opened.destroy();
      }
    });

    it('finishes what it accepted when it is closed, then refuses, and may be closed again', async () => {
      const opened = await target.open();
      try {
        const { store } = opened;
        const all = Array.from({ length: 20 }, () => dataset());
        const writes = all.map((one) => store.transaction((tx) => tx.datasets.insert(one)));
        const waiting = store.events.changed('run_x', 0, new AbortController().signal);
        await Promise.all([store.close(), store.close(), ...writes, waiting]);
        const signal = new AbortController().signal;
        for (const call of [
          () => store.datasets.get('x'),
          () => store.datasets.page({}, { first: 1 }),
          () => store.transaction(() => Promise.resolve()),
          () => store.events.read('x', 0, 1),
          () => store.events.head('x'),
          () => store.streams.read('x', 0, 1),
          () => store.streams.stat('x'),
          () => store.work.enqueue('k', 'x', 0),
          () => store.work.nextDue(['k']),
          () => store.work.claim({ kinds: ['k'], worker: 'w', now: 0, leaseMs: 1, limit: 1 }),
          () => store.moduleSearch.count(everything),
        ]) {
          expect(await codeOf(call())).toBe('SHUTTING_DOWN');
        }
        await store.events.changed('x', 0, signal);
        await store.work.changed(['k'], signal);
        expect((await store.health()).ok).toBe(false);
        const again = await opened.reopen();
        expect(await again.datasets.getMany(all.map((one) => one.id))).toEqual(all);
      } finally {
        await opened.destroy();
      }
    });

    it('says that it is well', async () => {
      const opened = await target.open();
      try {
        expect(await opened.store.health()).toMatchObject({ ok: true, message: null });
      } finally {
        await opened.destroy();
      }
    });
  });

  const everything = {
    search: null,
    facets: {},
    trainable: null,
    valid: null,
    orderBy: 'TITLE',
    direction: 'ASC',
    visibleTo: { subject: 'x', groups: [], system: true },
  } as const;
}
