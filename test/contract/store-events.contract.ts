import { describe, expect, it } from 'vitest';
import type { DomainEvent } from '../../domain/event.ts';
import type { Store } from '../../store/contract/store.ts';
import { id } from './store-samples.ts';

const accepted: DomainEvent = { type: 'trainingRun.accepted' };
const progressed = (done: number): DomainEvent => ({
  type: 'trainingRun.progressed',
  progress: { done, total: 100, unit: 'epochs' },
});

/** The log of an aggregate. */
export function describeEventLog(store: () => Store): void {
  describe('events', () => {
    const append = (aggregate: string, ...events: readonly DomainEvent[]): Promise<void> =>
      store().transaction((tx) => tx.events.append(aggregate, 42, events));

    it('are numbered 1, 2, 3 … by aggregate and read from any place', async () => {
      const [a, b] = [id('TrainingRun'), id('TrainingRun')];
      await append(a, accepted, progressed(1));
      await append(b, accepted);
      await append(a, progressed(2));
      await append(a);
      expect(await store().events.read(a, 0, 100)).toEqual([
        { aggregateId: a, sequence: 1, at: 42, event: accepted },
        { aggregateId: a, sequence: 2, at: 42, event: progressed(1) },
        { aggregateId: a, sequence: 3, at: 42, event: progressed(2) },
      ]);
      expect((await store().events.read(a, 1, 1)).map((one) => one.sequence)).toEqual([2]);
      expect(await store().events.read(a, 3, 10)).toEqual([]);
      expect(await store().events.head(a)).toBe(3);
      expect(await store().events.head(id('TrainingRun'))).toBe(0);
    });

    it('stay gapless under concurrent writers, some of which fail, also within one transaction', async () => {
      const aggregate = id('TrainingRun');
      const results = await Promise.allSettled(
        Array.from({ length: 60 }, (_, n) =>
          store().transaction(async (tx) => {
            await Promise.all([
              tx.events.append(aggregate, n, [progressed(n)]),
              tx.events.append(aggregate, n, [progressed(n), progressed(n)]),
            ]);
            if (n % 3 === 0) throw new Error('no');
          }),
        ),
      );
      const done = results.filter((result) => result.status === 'fulfilled').length;
      const events = await store().events.read(aggregate, 0, 1000);
      expect(events.map((one) => one.sequence)).toEqual(
        Array.from({ length: done * 3 }, (_, n) => n + 1),
      );
      expect(done).toBe(40);
    });

    it('wake a reader that waits, after the commit', async () => {
      const aggregate = id('TrainingRun');
      await append(aggregate, accepted);
      const woken = store().events.changed(aggregate, 1, new AbortController().signal);
      await append(aggregate, progressed(1));
      await woken;
      expect(await store().events.head(aggregate)).toBe(2);
    });

    it('wake at once a reader that is behind', async () => {
      const aggregate = id('TrainingRun');
      await append(aggregate, accepted);
      const woken = store().events.changed(aggregate, 0, new AbortController().signal);
      await expect(woken).resolves.toBeUndefined();
    });

    it('wake nobody when the transaction fails or another aggregate moves', async () => {
      const aggregate = id('TrainingRun');
      const stop = new AbortController();
      let isWoken = false;
      const waiting = store()
        .events.changed(aggregate, 0, stop.signal)
        .then(() => (isWoken = true));
      await append(id('TrainingRun'), accepted);
      const failing = store().transaction(async (tx) => {
        await tx.events.append(aggregate, 1, [accepted]);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      await store().events.head(aggregate);
      expect(isWoken).toBe(false);
      stop.abort();
      await waiting;
    });

    it('are missed by no reader that follows while writers write', async () => {
      const aggregate = id('TrainingRun');
      const total = 200;
      const stop = new AbortController();
      const follow = async (): Promise<readonly number[]> => {
        const seen: number[] = [];
        while (seen.length < total) {
          const after = seen.at(-1) ?? 0;
          await store().events.changed(aggregate, after, stop.signal);
          for (const one of await store().events.read(aggregate, after, 7)) seen.push(one.sequence);
        }
        return seen;
      };
      const readers = [follow(), follow(), follow()];
      for (let n = 0; n < total; n += 1) await append(aggregate, progressed(n));
      const expected = Array.from({ length: total }, (_, n) => n + 1);
      for (const seen of await Promise.all(readers)) expect(seen).toEqual(expected);
    });

    it('let a reader go when it aborts, before and while it waits', async () => {
      const stop = new AbortController();
      const waiting = store().events.changed('run_never', 0, stop.signal);
      stop.abort();
      await expect(waiting).resolves.toBeUndefined();
      const late = store().events.changed('run_never', 0, stop.signal);
      await expect(late).resolves.toBeUndefined();
    });
  });
}
