import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { LeaseLostError, type Store } from '../../store/contract/store.ts';
import type { Lease } from '../../store/contract/work.ts';
import { dataset, id } from './store-samples.ts';

/** Leases. Each case has a kind of its own. */
export function describeWorkQueue(store: () => Store): void {
  describe('work', () => {
    const kindOf = (): string => `kind-${id('Split')}`;
    const claim = (
      kind: string,
      now: number,
      worker = 'one',
      limit = 10,
    ): Promise<readonly Lease[]> =>
      store().work.claim({ kinds: [kind], worker, now, leaseMs: 100, limit });
    const take = async (kind: string, now: number, worker = 'one'): Promise<Lease> => {
      const [lease] = await claim(kind, now, worker, 1);
      if (lease === undefined) throw new Error('Nothing was due.');
      return lease;
    };

    it('is claimed when it is due, earliest first, each row once', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'late', 30);
      await store().work.enqueue(kind, 'early', 10);
      await store().work.enqueue(kind, 'middle', 20);
      expect(await claim(kind, 9)).toEqual([]);
      expect((await claim(kind, 25)).map((lease) => lease.key)).toEqual(['early', 'middle']);
      expect(await claim(kind, 25)).toEqual([]);
      expect(await store().work.nextDue([kind])).toBe(30);
      expect((await claim(kind, 30, 'two', 1)).map((lease) => lease.key)).toEqual(['late']);
    });

    it('is one row by kind and key, and the earlier time holds', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 50);
      await store().work.enqueue(kind, 'a', 20);
      await store().work.enqueue(kind, 'a', 90);
      expect(await store().work.nextDue([kind])).toBe(20);
      expect(await claim(kind, 100)).toHaveLength(1);
    });

    it('goes to one of many workers that claim at once', async () => {
      const kind = kindOf();
      for (let n = 0; n < 30; n += 1) await store().work.enqueue(kind, `k${n}`, n);
      const taken = await Promise.all(
        Array.from({ length: 20 }, (_, n) => claim(kind, 1000, `w${n}`, 3)),
      );
      const keys = taken.flat().map((lease) => lease.key);
      expect(keys).toHaveLength(30);
      expect(new Set(keys).size).toBe(30);
    });

    it('is due at once when leases are recalled, and the old lease is void', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      const now = Date.now();
      const request = { kinds: [kind], worker: 'one', leaseMs: 3_600_000, limit: 1 };
      const [old] = await store().work.claim({ ...request, now });
      await store().work.recall();
      const [lease] = await store().work.claim({ ...request, now: Date.now() });
      if (old === undefined || lease === undefined) throw new Error('Nothing was claimed.');
      expect(lease.token).toBeGreaterThan(old.token);
      expect(await store().work.renew(old, now + 1)).toBe(false);
      await expect(store().transaction((tx) => tx.assertLease(old))).rejects.toBeInstanceOf(
        LeaseLostError,
      );
    });

    it('passes on when the lease ended, with a greater token, and the old lease is void', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      const old = await take(kind, 1000);
      expect(await claim(kind, 1099)).toEqual([]);
      expect(await store().work.nextDue([kind])).toBe(1100);
      const young = await take(kind, 1100, 'two');
      expect(young.token).toBeGreaterThan(old.token);
      expect(young.claims).toBe(2);
      expect(await store().work.renew(old, 5000)).toBe(false);
      await store().work.release(old, null);
      const written = dataset();
      const stale = store().transaction(async (tx) => {
        await tx.assertLease(old);
        await tx.datasets.insert(written);
      });
      await expect(stale).rejects.toBeInstanceOf(LeaseLostError);
      expect(await store().datasets.get(written.id)).toBeNull();
      await store().transaction((tx) => tx.assertLease(young));
      expect(await store().work.renew(young, 5000)).toBe(true);
      expect(await store().work.nextDue([kind])).toBe(5000);
    });

    it('is given to nobody while a transaction that asserted its lease goes on', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      const old = await take(kind, 1000);
      const written = dataset();
      const { promise: asserted, resolve: isAsserted } = Promise.withResolvers<void>();
      // Its time is up: another worker takes it as soon as it can, and then sees what this one wrote.
      const seen = (async () => {
        await asserted;
        while ((await claim(kind, 5000, 'two')).length === 0) await sleep(1);
        return (await store().datasets.get(written.id)) !== null;
      })();
      await store().transaction(async (tx) => {
        await tx.assertLease(old);
        isAsserted();
        await store().datasets.count({});
        await tx.datasets.insert(written);
      });
      expect(await seen).toBe(true);
      await expect(store().transaction((tx) => tx.assertLease(old))).rejects.toBeInstanceOf(
        LeaseLostError,
      );
    });

    it('is given back together, each as if it were alone', async () => {
      const kind = kindOf();
      for (const key of ['lost', 'wished', 'wished sooner', 'plain']) {
        await store().work.enqueue(kind, key, 0);
      }
      const leases = await claim(kind, 1000);
      const lost = leases.filter(({ key }) => key === 'lost');
      await store().work.releaseAll(lost, 0);
      const [taken] = await claim(kind, 1000, 'two');
      await store().work.enqueue(kind, 'wished', 900);
      await store().work.enqueue(kind, 'wished sooner', 300);
      await store().work.releaseAll(leases, 350);
      expect(await claim(kind, 299, 'three')).toEqual([]);
      expect((await claim(kind, 300, 'three')).map(({ key }) => key)).toEqual(['wished sooner']);
      const rest = await claim(kind, 350, 'three');
      expect(rest.map(({ key }) => key).toSorted()).toEqual(['plain', 'wished']);
      expect(taken === undefined || (await store().work.renew(taken, 5000))).toBe(true);
      await store().work.releaseAll([], null);
    });

    it('that is done is removed together, but for what somebody asked for meanwhile', async () => {
      const kind = kindOf();
      for (const key of ['a', 'b', 'c']) await store().work.enqueue(kind, key, 0);
      const leases = await claim(kind, 1000);
      expect(await store().work.size(kind)).toBe(3);
      await store().work.enqueue(kind, 'b', 700);
      await store().work.releaseAll(leases, null);
      expect(await store().work.size(kind)).toBe(1);
      expect(await store().work.nextDue([kind])).toBe(700);
      expect((await claim(kind, 700)).map(({ key }) => key)).toEqual(['b']);
    });

    it('is listed by its keys in pieces, due or not, leased or not', async () => {
      const kind = kindOf();
      const keys = ['a', 'b', 'c', 'd', 'e'];
      for (const key of keys.toReversed()) await store().work.enqueue(kind, key, 5_000);
      await store().work.enqueue(kind, 'c', 0);
      await take(kind, 10);
      expect(await store().work.keys(kind, null, 2)).toEqual(['a', 'b']);
      expect(await store().work.keys(kind, 'b', 2)).toEqual(['c', 'd']);
      expect(await store().work.keys(kind, 'd', 2)).toEqual(['e']);
      expect(await store().work.keys(kind, 'e', 2)).toEqual([]);
    });

    it('never repeats a token, not even when the row was removed between', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      const old = await take(kind, 10);
      await store().work.release(old, null);
      await store().work.enqueue(kind, 'a', 0);
      const young = await take(kind, 20);
      expect(young.token).toBeGreaterThan(old.token);
      expect(young.claims).toBe(1);
      await expect(store().transaction((tx) => tx.assertLease(old))).rejects.toBeInstanceOf(
        LeaseLostError,
      );
    });

    it('is removed by a release without a next time, and looked at again with one', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      await store().work.release(await take(kind, 10), 70);
      expect(await store().work.nextDue([kind])).toBe(70);
      expect(await claim(kind, 69)).toEqual([]);
      await store().work.release(await take(kind, 70), null);
      expect(await store().work.nextDue([kind])).toBeNull();
    });

    it('keeps a wish made while it is leased, whatever the release says', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      const first = await take(kind, 10);
      await store().work.enqueue(kind, 'a', 40);
      await store().work.enqueue(kind, 'a', 30);
      await store().work.enqueue(kind, 'a', 50);
      expect(await claim(kind, 60)).toEqual([]);
      await store().work.release(first, null);
      expect(await store().work.nextDue([kind])).toBe(30);
      const second = await take(kind, 60);
      await store().work.enqueue(kind, 'a', 65);
      await store().work.release(second, 500);
      expect(await store().work.nextDue([kind])).toBe(65);
      const third = await take(kind, 66);
      await store().work.release(third, 600);
      expect(await store().work.nextDue([kind])).toBe(600);
    });

    it('keeps a later wish when the lease ends without a release', async () => {
      const kind = kindOf();
      await store().work.enqueue(kind, 'a', 0);
      await take(kind, 10);
      await store().work.enqueue(kind, 'a', 900);
      const second = await take(kind, 500, 'two');
      await store().work.release(second, null);
      expect(await store().work.nextDue([kind])).toBe(900);
    });

    it('asked for in a transaction is seen when that commits, and not when it fails', async () => {
      const kind = kindOf();
      await store().transaction(async (tx) => {
        await tx.enqueue(kind, 'a', 5);
        expect(await store().work.nextDue([kind])).toBeNull();
      });
      expect(await store().work.nextDue([kind])).toBe(5);
    });

    it('wakes a worker that waits, for its own kinds', async () => {
      const [kind, other] = [kindOf(), kindOf()];
      const stop = new AbortController();
      let isOtherWoken = false;
      const idle = store()
        .work.changed([other], stop.signal)
        .then(() => (isOtherWoken = true));
      const woken = store().work.changed([other, kind], stop.signal);
      await store().transaction((tx) => tx.enqueue(kind, 'a', 0));
      await woken;
      // Something is due already: no need to wait.
      await store().work.changed([kind], stop.signal);
      expect(isOtherWoken).toBe(false);
      stop.abort();
      await idle;
    });
  });
}
