import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { run } from '../../contract/store-samples.ts';
import { ambient, temporaryFolder } from './folder.ts';

describe('a store that was opened again', () => {
  it('gives out at once what the process before had leased, and the old lease is void', async () => {
    const folder = await temporaryFolder();
    const first = await openEmbeddedStore({ folder, ambient });
    const hour = 3_600_000;
    const request = { kinds: ['run'], worker: 'a', leaseMs: hour, limit: 1 };
    await first.work.enqueue('run', 'leased', 0);
    const [old] = await first.work.claim({ ...request, now: ambient.now() });
    await first.work.enqueue('run', 'leased', ambient.now() + 2 * hour);
    await first.work.enqueue('run', 'later', ambient.now() + hour);
    await first.close();

    const store = await openEmbeddedStore({ folder, ambient });
    onTestFinished(() => store.close());
    const leases = await store.work.claim({ ...request, limit: 9, now: ambient.now() });
    expect(leases.map((lease) => lease.key)).toEqual(['leased']);
    const [lease] = leases;
    if (old === undefined || lease === undefined) throw new Error('Nothing was claimed.');
    expect(lease.token).toBeGreaterThan(old.token);
    expect(await store.work.renew(old, ambient.now() + hour)).toBe(false);
    // The wish made during the old lease is still there.
    await store.work.release(lease, null);
    const due = await store.work.nextDue(['run']);
    expect(due).toBeLessThanOrEqual(ambient.now() + hour);
    await store.work.claim({ ...request, now: ambient.now() + hour });
    expect(await store.work.nextDue(['run'])).toBeGreaterThan(ambient.now() + hour);
  });

  it('plans by its indexes, not by how few rows there were at some time', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'fathom.db');
    const first = await openEmbeddedStore({ folder, ambient });
    await first.transaction((tx) => tx.trainingRuns.insert(run()));
    await first.trainingRuns.list({ where: { state: 'QUEUED' } }, 10);
    await first.close();
    const statistics = (): number => {
      const database = new DatabaseSync(path);
      const found = database.prepare(
        `select name from sqlite_schema where name like 'sqlite_stat%'`,
      );
      const count = found.all().length;
      database.close();
      return count;
    };
    expect(statistics()).toBe(0);
    // As versions before this one left it.
    const before = new DatabaseSync(path);
    before.exec('analyze');
    before.close();
    expect(statistics()).toBeGreaterThan(0);
    await (await openEmbeddedStore({ folder, ambient })).close();
    expect(statistics()).toBe(0);
  });

  it('needs one file for a stream of many small appends, no larger than what went in', async () => {
    const folder = await temporaryFolder();
    const store = await openEmbeddedStore({ folder, ambient });
    const line = 'x'.repeat(2000);
    for (let n = 0; n < 100; n += 1) {
      await store.transaction((tx) => tx.streams.append('log', [line]));
    }
    await store.close();
    const streams = join(folder, 'streams');
    const files: string[] = [];
    for (const below of await readdir(streams)) {
      for (const file of await readdir(join(streams, below)))
        files.push(join(streams, below, file));
    }
    expect(files).toHaveLength(1);
    const { size } = await stat(files[0] ?? '');
    expect(size).toBeGreaterThan(64 * 1024);
    expect(size).toBeLessThanOrEqual(100 * 2003);
    expect((await readdir(folder)).toSorted()).toEqual([
      'fathom.db',
      'lock.db',
      'lock.pid',
      'opening.lock',
      'streams',
    ]);
  });
});
