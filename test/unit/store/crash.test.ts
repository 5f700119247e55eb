import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { startStoreProcess } from './child.ts';
import { ambient, temporaryFolder } from './folder.ts';

describe('a store whose process was killed', () => {
  // A thousand commits, each flushed to a disk that others may use.
  it(
    'has everything that was acknowledged and nothing by halves',
    { timeout: 120_000 },
    async () => {
      const folder = await temporaryFolder();
      const acknowledged: string[] = [];
      // The second process goes on where the first was cut, so it also meets what that left in files.
      for (const [prefix, count] of [
        ['a', 700],
        ['b', 400],
      ] as const) {
        const writer = startStoreProcess(folder, 'write', prefix);
        onTestFinished(() => writer.kill());
        await writer.printed(count);
        await writer.kill();
        const done = writer.lines.filter((line) => line.startsWith('done '));
        expect(done.length).toBeGreaterThan(count - 2);
        acknowledged.push(...done.map((line) => line.slice('done '.length)));
      }

      const store = await openEmbeddedStore({ folder, ambient });
      onTestFinished(() => store.close());
      const rows = await store.datasets.list({}, 1_000_000);
      const names = new Set(rows.map((row) => row.name));
      expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);

      // Each transaction wrote one row in each of five places: they agree, in number and in order.
      const events = await store.events.read('run_1', 0, 1_000_000);
      const numbers = Array.from({ length: names.size }, (_, n) => n + 1);
      expect(events.map((one) => one.sequence)).toEqual(numbers);
      expect(events.map((one) => one.at)).toEqual(numbers);
      const by = events.map((one) => ('by' in one.event ? one.event.by : null));
      expect(new Set(by)).toEqual(names);
      const log = await store.streams.read('log', 0, 1_000_000);
      const text = (value: unknown): string => (typeof value === 'string' ? value : '');
      expect(log.map((entry) => text(entry.value).split(' ')[0])).toEqual(by);
      expect(log.map((entry) => entry.offset)).toEqual(numbers);
      expect(await store.transaction((tx) => tx.nextNumber('events'))).toBe(names.size + 1);
      const leases = await store.work.claim({
        kinds: ['crash'],
        worker: 'w',
        now: 2,
        leaseMs: 1,
        limit: 1_000_000,
      });
      expect(leases).toHaveLength(names.size);
      // A thousand small appends share one file.
      expect(await readdir(join(folder, 'streams'))).toHaveLength(1);
    },
  );
});
