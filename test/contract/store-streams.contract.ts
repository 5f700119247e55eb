import { describe, expect, it } from 'vitest';
import type { Json } from '../../domain/json.ts';
import type { Store } from '../../store/contract/store.ts';
import { id } from './store-samples.ts';
import { codeOf } from './store-target.ts';

/** Log lines and metric points. */
export function describeStreams(store: () => Store): void {
  describe('streams', () => {
    const name = (): string => `${id('TrainingRun')}/log`;
    const append = (stream: string, entries: readonly Json[], maximum?: number): Promise<void> =>
      store().transaction((tx) => tx.streams.append(stream, entries, maximum));
    const lines = (count: number, from = 1): readonly string[] =>
      Array.from({ length: count }, (_, n) => `line ${n + from} ${'x'.repeat(90)}`);

    it('give back what went in, by offset, whatever it is', async () => {
      const stream = name();
      const values: readonly Json[] = [
        'a\nb\u2028\u0000"\\',
        null,
        { at: 1, text: 'ü😀' },
        [1.5, false],
        '',
      ];
      await append(stream, values.slice(0, 2));
      await append(stream, values.slice(2));
      await append(stream, []);
      expect(await store().streams.read(stream, 0, 100)).toEqual(
        values.map((value, n) => ({ offset: n + 1, value })),
      );
      expect((await store().streams.read(stream, 3, 1)).map((entry) => entry.offset)).toEqual([4]);
      expect(await store().streams.stat(stream)).toMatchObject({
        head: 5,
        dropped: 0,
        ended: false,
      });
    });

    it('are empty before anything was written', async () => {
      const stream = name();
      expect(await store().streams.read(stream, 0, 10)).toEqual([]);
      expect(await store().streams.stat(stream)).toEqual({
        head: 0,
        bytes: 0,
        dropped: 0,
        ended: false,
      });
    });

    it('read the same from every place when they are long and were written in pieces of any size', async () => {
      const stream = name();
      const all = lines(6000);
      let at = 0;
      for (const size of [1, 2, 3, 500, 1, 2000, 10, 700, 1, 1, 2000, 781]) {
        await append(stream, all.slice(at, at + size));
        at += size;
      }
      expect(at).toBe(6000);
      for (const after of [0, 1, 499, 505, 506, 3000, 5217, 5218, 5999, 6000, 7000]) {
        const entries = await store().streams.read(stream, after, 1500);
        expect(entries.map((entry) => entry.value)).toEqual(all.slice(after, after + 1500));
        expect(entries[0]?.offset ?? after + 1).toBe(after + 1);
      }
    });

    it('keep entries larger than a chunk', async () => {
      const stream = name();
      const big = 'y'.repeat(300_000);
      await append(stream, ['a', big, 'b']);
      await append(stream, [big]);
      const entries = await store().streams.read(stream, 0, 10);
      expect(entries.map((entry) => entry.value)).toEqual(['a', big, 'b', big]);
    });

    it('overwrite what a failed transaction left behind', async () => {
      const stream = name();
      await append(stream, lines(1000));
      const failing = store().transaction(async (tx) => {
        await tx.streams.append(stream, lines(3000, 50_000));
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect((await store().streams.stat(stream)).head).toBe(1000);
      await append(stream, lines(1500, 1001));
      const entries = await store().streams.read(stream, 0, 5000);
      expect(entries.map((entry) => entry.value)).toEqual(lines(2500));
    });

    it('keep their order when appends of one transaction are not awaited one by one', async () => {
      const stream = name();
      await store().transaction(async (tx) => {
        await Promise.all(lines(40).map((line) => tx.streams.append(stream, [line])));
      });
      const entries = await store().streams.read(stream, 0, 100);
      expect(entries.map((entry) => entry.value)).toEqual(lines(40));
    });

    it('keep the beginning up to the bound and count what they drop', async () => {
      const stream = name();
      await append(stream, ['12345678', 'abcdefgh'], 20);
      await append(stream, ['too long for it', 'x'], 20);
      await append(stream, ['x'], 20);
      expect(await store().streams.stat(stream)).toEqual({
        head: 2,
        bytes: 20,
        dropped: 3,
        ended: false,
      });
      expect(await store().streams.read(stream, 0, 10)).toHaveLength(2);
    });

    it('take nothing after their end, which readers are told', async () => {
      const stream = name();
      await append(stream, ['last']);
      const signal = new AbortController().signal;
      const woken = store().streams.changed(stream, 1, signal);
      await store().transaction((tx) => tx.streams.end(stream));
      await woken;
      await store().streams.changed(stream, 1, signal);
      await store().transaction((tx) => tx.streams.end(stream));
      expect((await store().streams.stat(stream)).ended).toBe(true);
      expect(await codeOf(append(stream, ['more']))).toBe('WRONG_STATE');
      expect((await store().streams.stat(stream)).head).toBe(1);
    });

    it('wake a reader that waits for more', async () => {
      const stream = name();
      await append(stream, ['a']);
      const woken = store().streams.changed(stream, 1, new AbortController().signal);
      await append(stream, ['b']);
      await woken;
      expect(await store().streams.read(stream, 1, 5)).toEqual([{ offset: 2, value: 'b' }]);
    });
  });
}
