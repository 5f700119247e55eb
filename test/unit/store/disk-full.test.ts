import { spawnSync } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { dataset } from '../../contract/store-samples.ts';
import { codeOf } from '../../contract/store-target.ts';
import { ambient, temporaryFolder } from './folder.ts';

const large = 'z'.repeat(20_000);

/** Inserts until it is refused; gives what was acknowledged. */
async function fill(store: Store): Promise<readonly string[]> {
  const kept: string[] = [];
  for (let n = 0; n < 1000; n += 1) {
    const one = dataset({ description: large });
    try {
      await store.transaction((tx) => tx.datasets.insert(one));
    } catch {
      return kept;
    }
    kept.push(one.id);
  }
  throw new Error('It never filled up.');
}

describe('a store that may not grow', () => {
  it('refuses writes, keeps what it acknowledged, answers reads, and says so', async () => {
    const folder = await temporaryFolder();
    const limits = { databaseBytes: 2 * 1024 * 1024 };
    const store = await openEmbeddedStore({ folder, ambient, limits });
    onTestFinished(() => store.close());
    const kept = await fill(store);
    const one = dataset({ description: large });
    expect(await codeOf(store.transaction((tx) => tx.datasets.insert(one)))).toBe('STORAGE_FULL');
    expect(await store.health()).toMatchObject({
      ok: false,
      message: expect.any(String) as string,
    });
    expect((await store.datasets.getMany(kept)).every((row) => row !== null)).toBe(true);
    expect(await store.datasets.get(one.id)).toBeNull();
  });

  it('rolls the whole transaction back, also when its work hides the refusal', async () => {
    const folder = await temporaryFolder();
    const limits = { databaseBytes: 1024 * 1024 };
    const store = await openEmbeddedStore({ folder, ambient, limits });
    onTestFinished(() => store.close());
    const small = dataset();
    const later = dataset();
    const hiding = store.transaction(async (tx) => {
      await tx.datasets.insert(small);
      for (let n = 0; n < 200; n += 1) {
        await tx.datasets.insert(dataset({ description: large })).catch(() => undefined);
      }
      await tx.datasets.insert(later).catch(() => undefined);
    });
    expect(await codeOf(hiding)).toBe('STORAGE_FULL');
    expect(await store.datasets.getMany([small.id, later.id])).toEqual([null, null]);
    await store.transaction((tx) => tx.datasets.insert(small));
    expect(await store.health()).toMatchObject({ ok: true });
  });
});

/** A real disk of 4 MiB, where one may be mounted. */
const mount = join(tmpdir(), `fathom-store-disk-${process.pid}`);

describe.skipIf(!(await canMount()))('a store on a full disk', () => {
  beforeAll(async () => {
    await mkdir(mount, { recursive: true });
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mount]);
    if (mounted.status !== 0) throw new Error(`No disk was mounted: ${mounted.stderr.toString()}`);
  });
  afterAll(async () => {
    spawnSync('umount', [mount]);
    await rm(mount, { recursive: true });
  });

  it('refuses writes, loses nothing, and recovers by itself when there is room', async () => {
    const store = await openEmbeddedStore({ folder: join(mount, 'state'), ambient });
    const before = await store.transaction(async (tx) => {
      await tx.streams.append('log', ['x'.repeat(100_000)]);
      const one = dataset();
      await tx.datasets.insert(one);
      return one;
    });
    const { bavail, bsize } = await statfs(mount);
    await writeFile(join(mount, 'filler'), Buffer.alloc((bavail - 60) * bsize));
    const kept = await fill(store);
    const append = store.transaction((tx) => tx.streams.append('log', ['y'.repeat(600_000)]));
    expect(await codeOf(append)).toBe('STORAGE_FULL');
    const health = await store.health();
    expect(health.ok).toBe(false);
    expect(health.message).toMatch(/room|disk/);
    expect(await store.datasets.get(before.id)).toEqual(before);
    expect((await store.streams.stat('log')).head).toBe(1);
    expect((await store.streams.read('log', 0, 10))[0]?.value).toHaveLength(100_000);

    await rm(join(mount, 'filler'));
    expect(await store.health()).toMatchObject({ ok: true, message: null });
    const after = dataset({ description: large });
    await store.transaction(async (tx) => {
      await tx.datasets.insert(after);
      await tx.streams.append('log', ['y'.repeat(600_000)]);
    });
    await store.close();

    const again = await openEmbeddedStore({ folder: join(mount, 'state'), ambient });
    const found = await again.datasets.getMany([before.id, ...kept, after.id]);
    expect(found.every((row) => row !== null)).toBe(true);
    expect(await again.datasets.count({})).toBe(found.length);
    expect((await again.streams.read('log', 1, 10))[0]?.value).toHaveLength(600_000);
    await again.close();
  });
});

async function canMount(): Promise<boolean> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const folder = `${mount}-probe`;
  await mkdir(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]);
  if (mounted.status === 0) spawnSync('umount', [folder]);
  await rm(folder, { recursive: true });
  return mounted.status === 0;
}
