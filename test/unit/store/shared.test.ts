import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { codeOf } from '../../contract/store-target.ts';
import { startStoreProcess, type StoreProcess } from './child.ts';
import { ambient, temporaryFolder } from './folder.ts';

const access = 'shared';

async function share(folder: string): Promise<Store> {
  const store = await openEmbeddedStore({ folder, ambient, access });
  onTestFinished(() => store.close());
  return store;
}

function start(folder: string, mode: 'hold' | 'write' | 'claim', prefix = ''): StoreProcess {
  const child = startStoreProcess(folder, mode, prefix, access);
  onTestFinished(() => child.kill());
  return child;
}

describe('a folder that processes share', () => {
  it('is refused to one that wants it for itself, with all of them named, until the last is gone', async () => {
    const folder = await temporaryFolder();
    const [one, two] = [start(folder, 'hold'), start(folder, 'hold')];
    await Promise.all([one.printed(1), two.printed(1)]);
    expect([one.lines, two.lines]).toEqual([['open'], ['open']]);
    const refused = await openEmbeddedStore({ folder, ambient }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ reason: 'IN_USE' });
    for (const { pid } of [one, two]) expect(String(refused)).toContain(`${pid}`);
    await one.kill();
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toThrow(`process ${two.pid}.`);
    await two.kill();
    await (await openEmbeddedStore({ folder, ambient })).close();
  });

  it('is refused to one that would share it while another has it for itself', async () => {
    const folder = await temporaryFolder();
    const store = await openEmbeddedStore({ folder, ambient });
    onTestFinished(() => store.close());
    const second = start(folder, 'hold');
    expect(await second.ended()).toBe(3);
    expect(second.lines.join(' ')).toContain(`in use by process ${process.pid}`);
  });

  it('keeps the leases of the others when one more opens it, and frees those of the dead when none is left', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbeddedStore({ folder, ambient, access });
    await first.work.enqueue('run', 'leased', 0);
    const request = { kinds: ['run'], worker: 'a', leaseMs: 3_600_000, limit: 9 };
    expect(await first.work.claim({ ...request, now: ambient.now() })).toHaveLength(1);
    const second = await openEmbeddedStore({ folder, ambient, access });
    expect(await second.work.claim({ ...request, now: ambient.now() })).toEqual([]);
    await Promise.all([first.close(), second.close()]);
    const third = await share(folder);
    expect(await third.work.claim({ ...request, now: ambient.now() })).toHaveLength(1);
  });

  it('is opened by five at once, also when it is new', async () => {
    const folder = await temporaryFolder();
    const stores = await Promise.all(Array.from({ length: 5 }, () => share(folder)));
    const numbers = await Promise.all(
      stores.map((store) => store.transaction((tx) => tx.nextNumber('n'))),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('writers in two processes', () => {
  it('leave logs without a gap that a reader in a third follows in order, and one goes on when the other is killed', async () => {
    const folder = await temporaryFolder();
    const store = await share(folder);
    const stop = new AbortController();
    const sequences: number[] = [];
    const offsets: number[] = [];
    const followers = [
      followTo(stop.signal, sequences, {
        read: async (after) =>
          (await store.events.read('run_1', after, 50)).map((event) => event.sequence),
        changed: (after) => store.events.changed('run_1', after, stop.signal),
      }),
      followTo(stop.signal, offsets, {
        read: async (after) =>
          (await store.streams.read('log', after, 50)).map((entry) => entry.offset),
        changed: (after) => store.streams.changed('log', after, stop.signal),
      }),
    ];
    const [one, two] = [start(folder, 'write', 'a'), start(folder, 'write', 'b')];
    await Promise.all([one.printed(150), two.printed(150)]);
    await one.kill();
    const before = two.lines.length;
    await two.printed(before + 100);
    await two.kill();
    stop.abort();
    await Promise.all(followers);

    const names = new Set((await store.datasets.list({}, 1_000_000)).map((row) => row.name));
    const acknowledged = [...one.lines, ...two.lines]
      .filter((line) => line.startsWith('done '))
      .map((line) => line.slice('done '.length));
    expect(acknowledged.length).toBeGreaterThan(390);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    const events = await store.events.read('run_1', 0, 1_000_000);
    const numbers = Array.from({ length: names.size }, (_, n) => n + 1);
    expect(events.map((one) => one.sequence)).toEqual(numbers);
    expect(events.map((one) => one.at)).toEqual(numbers);
    const log = await store.streams.read('log', 0, 1_000_000);
    expect(log.map((entry) => entry.offset)).toEqual(numbers);
    const by = events.map((one) => ('by' in one.event ? one.event.by : null));
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    expect(log.map((entry) => text(entry.value).split(' ')[0])).toEqual(by);
    // What the followers saw: each entry once, in order, none left out.
    expect(sequences).toEqual(numbers.slice(0, sequences.length));
    expect(offsets).toEqual(numbers.slice(0, offsets.length));
    expect(sequences.length).toBeGreaterThan(300);
    expect(offsets.length).toBeGreaterThan(300);
  });

  it('never hold one lease twice', async () => {
    const folder = await temporaryFolder();
    const store = await share(folder);
    const [one, two] = [start(folder, 'claim', 'a'), start(folder, 'claim', 'b')];
    await Promise.all([one.printed(1), two.printed(1)]);
    const count = 200;
    for (let n = 0; n < count; n += 1) await store.work.enqueue('claim', `key-${n}`, 0);
    const leases = (): string[] =>
      [...one.lines, ...two.lines].filter((line) => line.startsWith('lease '));
    while (leases().length < count) await sleep(5);
    const keys = leases().map((line) => line.split(' ')[1]);
    expect(new Set(keys).size).toBe(count);
    expect(keys).toHaveLength(count);
    expect(new Set(leases().map((line) => line.split(' ')[2])).size).toBe(count);
  });

  it('are told OVERLOADED, to try again, when another process does not let go; nothing was changed', async () => {
    const folder = await temporaryFolder();
    const limits = { patienceMs: 30 };
    const store = await openEmbeddedStore({ folder, ambient, access, limits });
    onTestFinished(() => store.close());
    const other = new DatabaseSync(join(folder, 'fathom.db'));
    other.exec('begin immediate');
    const refused = await Promise.all([
      codeOf(store.transaction((tx) => tx.nextNumber('n'))),
      codeOf(store.transaction((tx) => tx.nextNumber('n'))),
    ]);
    expect(refused).toEqual(['OVERLOADED', 'OVERLOADED']);
    expect(await store.health()).toMatchObject({ ok: true });
    other.exec('rollback');
    other.close();
    expect(await store.transaction((tx) => tx.nextNumber('n'))).toBe(1);
  });
});

interface Source {
  read(after: number): Promise<readonly number[]>;
  changed(after: number): Promise<void>;
}

async function followTo(signal: AbortSignal, seen: number[], source: Source): Promise<void> {
  while (!signal.aborted) {
    const entries = await source.read(seen.at(-1) ?? 0);
    seen.push(...entries);
    if (entries.length === 0) await source.changed(seen.at(-1) ?? 0);
  }
}
