import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Store } from '../../store/contract/store.ts';
import {
  openPostgresStore,
  type PostgresStoreOptions,
} from '../../store/postgres/postgres-store.ts';
import { dataset, run } from '../contract/store-samples.ts';
import { codeOf } from '../contract/store-target.ts';
import { startStoreProcess } from '../unit/store/child.ts';
import { ambient } from '../unit/store/folder.ts';
import { openPostgresServer } from './postgres-server.ts';

vi.setConfig({ testTimeout: 90_000 });

const server = await openPostgresServer();
afterAll(() => server.stop());

let url = '';
beforeEach(async () => {
  url = await server.schema();
});

async function open(limits: PostgresStoreOptions['limits'] = {}): Promise<Store> {
  const store = await openPostgresStore({ url, ambient, limits });
  onTestFinished(() => store.close());
  return store;
}

/** Of the case under test. */
function schema(): string {
  return new URL(url).searchParams.get('application_name') ?? '';
}

/** Ends every connection of ours in the way of a network that breaks or an operator who clears up. */
async function cutConnections(): Promise<void> {
  await server.execute(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = '${schema()}'`,
  );
}

describe('processes on one database', () => {
  it('open it at once, also when it is new, and number without a gap', async () => {
    const stores = await Promise.all(Array.from({ length: 5 }, () => open({ connections: 4 })));
    const numbers = await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 10 }, () => store.transaction((tx) => tx.nextNumber('n'))),
      ),
    );
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
  });

  it('leave logs without a gap that a third follows in order, and one goes on when the other is killed', async () => {
    const store = await open();
    const stop = new AbortController();
    const sequences: number[] = [];
    const following = (async () => {
      while (!stop.signal.aborted) {
        const after = sequences.at(-1) ?? 0;
        const events = await store.events.read('run_1', after, 50);
        sequences.push(...events.map((event) => event.sequence));
        if (events.length === 0) await store.events.changed('run_1', after, stop.signal);
      }
    })();
    const [one, two] = [startStoreProcess(url, 'write', 'a'), startStoreProcess(url, 'write', 'b')];
    onTestFinished(() => Promise.all([one.kill(), two.kill()]).then(() => undefined));
    await Promise.all([one.printed(120), two.printed(120)]);
    await one.kill();
    await two.printed(two.lines.length + 100);
    await two.kill();
    stop.abort();
    await following;

    const names = new Set((await store.datasets.list({}, 1_000_000)).map((row) => row.name));
    const acknowledged = [...one.lines, ...two.lines]
      .filter((line) => line.startsWith('done '))
      .map((line) => line.slice('done '.length));
    expect(acknowledged.length).toBeGreaterThan(330);
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    // Each transaction wrote one row in each of five places: they agree, in number and in order.
    const numbers = Array.from({ length: names.size }, (_, n) => n + 1);
    const events = await store.events.read('run_1', 0, 1_000_000);
    expect(events.map((event) => event.sequence)).toEqual(numbers);
    expect(events.map((event) => event.at)).toEqual(numbers);
    const log = await store.streams.read('log', 0, 1_000_000);
    expect(log.map((entry) => entry.offset)).toEqual(numbers);
    const by = events.map(({ event }) => ('by' in event ? event.by : null));
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    expect(log.map((entry) => text(entry.value).split(' ')[0])).toEqual(by);
    expect(sequences).toEqual(numbers.slice(0, sequences.length));
    expect(sequences.length).toBeGreaterThan(200);
  });

  it('never hold one lease twice, and wake each other', async () => {
    const store = await open();
    const [one, two] = [startStoreProcess(url, 'claim', 'a'), startStoreProcess(url, 'claim', 'b')];
    onTestFinished(() => Promise.all([one.kill(), two.kill()]).then(() => undefined));
    await Promise.all([one.printed(1), two.printed(1)]);
    const count = 300;
    for (let n = 0; n < count; n += 1) await store.work.enqueue('claim', `key-${n}`, 0);
    const leases = (): string[] =>
      [...one.lines, ...two.lines].filter((line) => line.startsWith('lease '));
    while (leases().length < count) await sleep(5);
    expect(new Set(leases().map((line) => line.split(' ')[1])).size).toBe(count);
    expect(new Set(leases().map((line) => line.split(' ')[2])).size).toBe(count);
    expect(leases()).toHaveLength(count);
  });

  it('use no more connections than they are allowed, whatever is asked of them', async () => {
    const store = await open({ connections: 6 });
    const before = await connections();
    const most = { count: 0 };
    const all = Promise.all([
      ...Array.from({ length: 400 }, () => store.datasets.list({}, 10)),
      ...Array.from({ length: 100 }, () =>
        store.transaction((tx) => tx.datasets.insert(dataset())),
      ),
      ...Array.from({ length: 100 }, (_, n) => store.work.enqueue('k', `${n}`, 0)),
    ]);
    const looking = (async () => {
      for (let looks = 0; looks < 5; looks += 1) {
        most.count = Math.max(most.count, await connections());
      }
    })();
    await Promise.all([all, looking]);
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThanOrEqual(6);
    expect(most.count).toBeLessThanOrEqual(6);
    expect(await store.datasets.count({})).toBe(100);
  });

  async function connections(): Promise<number> {
    const rows = await server.execute(
      `select count(*)::int as count from pg_stat_activity where application_name = '${schema()}'`,
    );
    return Number(rows[0]?.['count']);
  }
});

describe('a worker that stands still inside a transaction', () => {
  it('holds up others only for a while, and is told that it lost', async () => {
    const slow = await open({ idleTransactionMs: 1_500 });
    const other = await open({ patienceMs: 10_000 });
    const one = run({ attempts: 0 });
    await other.transaction((tx) => tx.trainingRuns.insert(one));
    const { promise: isIn, resolve: entered } = Promise.withResolvers<void>();
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>();
    const stalled = codeOf(
      slow.transaction(async (tx) => {
        await tx.trainingRuns.update({ ...one, version: 2, attempts: 100 });
        entered();
        await mayGoOn;
        await tx.datasets.insert(dataset());
      }),
    );
    await isIn;
    await other.transaction((tx) => tx.trainingRuns.update({ ...one, version: 2, attempts: 1 }));
    goOn();
    expect(await stalled).toBe('STORE_UNAVAILABLE');
    expect(await other.trainingRuns.get(one.id)).toMatchObject({ version: 2, attempts: 1 });
    expect(await slow.transaction((tx) => tx.nextNumber('n'))).toBe(1);
  });

  it('makes others give up as OVERLOADED, to try again, when that takes too long', async () => {
    const slow = await open();
    const other = await open({ patienceMs: 200 });
    const one = run();
    await other.transaction((tx) => tx.trainingRuns.insert(one));
    await slow.transaction(async (tx) => {
      await tx.trainingRuns.update({ ...one, version: 2, name: 'first' });
      const late = other.transaction((tx) =>
        tx.trainingRuns.update({ ...one, version: 2, name: 'late' }),
      );
      expect(await codeOf(late)).toBe('OVERLOADED');
    });
    expect(await other.trainingRuns.get(one.id)).toMatchObject({ name: 'first' });
  });
});

describe('connections that are cut', () => {
  it('cost what was under way, typed, and nothing else', async () => {
    const store = await open();
    const one = dataset();
    const cut = codeOf(
      store.transaction(async (tx) => {
        await tx.datasets.insert(one);
        await cutConnections();
        await tx.datasets.insert(dataset());
      }),
    );
    expect(await cut).toBe('STORE_UNAVAILABLE');
    expect(await store.datasets.get(one.id)).toBeNull();
    await store.transaction((tx) => tx.datasets.insert(one));
    expect(await store.datasets.get(one.id)).toEqual(one);
    expect(await store.health()).toMatchObject({ ok: true });
  });

  it('leave no reader asleep: changes of others are heard again, and seen meanwhile', async () => {
    const [store, other] = [await open(), await open()];
    const signal = new AbortController().signal;
    for (let round = 1; round <= 3; round += 1) {
      const woken = store.events.changed('run_1', round - 1, signal);
      await cutConnections();
      await other.transaction((tx) =>
        tx.events.append('run_1', round, [{ type: 'trainingRun.accepted' }]),
      );
      await woken;
      expect(await store.events.head('run_1')).toBe(round);
    }
    while ((await store.health()).message !== null) await sleep(20);
    expect(await store.health()).toMatchObject({ ok: true, message: null });
  });
});

describe('a server that crashes', () => {
  it('has everything that was acknowledged when it is back, and the store goes on by itself', async ({
    skip,
  }) => {
    const { control } = server;
    if (control === null) return skip('The server is somebody else’s.');
    const store = await open();
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const refusals = new Set<string>();
    const writers = Array.from({ length: 6 }, async () => {
      while (!stop.signal.aborted) {
        const one = dataset();
        try {
          await store.transaction((tx) => tx.datasets.insert(one));
          acknowledged.push(one.id);
        } catch {
          refusals.add(
            await codeOf(store.transaction((tx) => tx.datasets.insert(dataset()))).catch(
              () => 'none',
            ),
          );
          await sleep(10);
        }
      }
    });
    while (acknowledged.length < 100) await sleep(5);
    await control.kill();
    expect(await store.health()).toMatchObject({ ok: false });
    expect(await codeOf(store.datasets.count({}))).toBe('STORE_UNAVAILABLE');
    await control.start();
    const before = acknowledged.length;
    while (acknowledged.length < before + 50) await sleep(5);
    stop.abort();
    await Promise.all(writers);
    refusals.delete('none');
    expect([...refusals].filter((code) => code !== 'STORE_UNAVAILABLE')).toEqual([]);
    const found = await store.datasets.getMany(acknowledged);
    expect(found.every((row) => row !== null)).toBe(true);
    while ((await store.health()).message !== null) await sleep(20);
    expect(await store.health()).toMatchObject({ ok: true, message: null });
  });
});

describe('a database that cannot be used', () => {
  it('is refused with a sentence, and without its password', async () => {
    const at = new URL(server.url);
    at.password = 'secret-word';
    at.pathname = '/there-is-no-such';
    const refused = await openPostgresStore({ url: at.href, ambient }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ name: 'StoreUnusableError', reason: 'NO_ACCESS' });
    expect(String(refused)).toContain('there-is-no-such');
    expect(String(refused)).not.toContain('secret-word');
    at.port = '1';
    await expect(openPostgresStore({ url: at.href, ambient })).rejects.toMatchObject({
      reason: 'NO_ACCESS',
    });
    await expect(openPostgresStore({ url: 'mysql://x/y', ambient })).rejects.toThrow(/postgres:/);
    await expect(openPostgresStore({ url: 'nonsense', ambient })).rejects.toThrow(/no URL/);
  });

  it('is refused when a newer version wrote it, or another program, and left as it was', async () => {
    await (await openPostgresStore({ url, ambient })).close();
    const ours = schema();
    await server.execute(`insert into ${ours}.migrations values (900, 'from the future', 0)`);
    await expect(openPostgresStore({ url, ambient })).rejects.toMatchObject({ reason: 'NEWER' });
    await server.execute(`delete from ${ours}.migrations where number = 900`);
    await (await openPostgresStore({ url, ambient })).close();

    url = await server.schema();
    const theirs = schema();
    await server.execute(`create table ${theirs}.migrations (id int)`);
    await expect(openPostgresStore({ url, ambient })).rejects.toMatchObject({ reason: 'NOT_OURS' });
    const tables = await server.execute(
      `select count(*)::int as count from information_schema.tables where table_schema = '${theirs}'`,
    );
    expect(tables).toEqual([{ count: 1 }]);
  });
});
