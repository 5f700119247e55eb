import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFileBlobStore } from '../../storage/files/blob-store.ts';
import { blobStoreContract, chunks, digest, read, sample } from './blob-store.contract.ts';

blobStoreContract('files', async () => {
  const root = await mkdtemp(join(tmpdir(), 'blobs-'));
  const folder = join(root, 'storage');
  let store = await openFileBlobStore({ folder });
  return {
    store,
    scratch: join(root, 'scratch'),
    async reopen() {
      await store.close();
      store = await openFileBlobStore({ folder });
      return store;
    },
    async destroy() {
      await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

const sourceOfStore = join(import.meta.dirname, '../../storage/files/blob-store.ts');

describe('blob store in files', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blobs-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('a process killed in the middle of a part loses nothing acknowledged', async () => {
    const content = sample(200_000);
    const child = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `
      const { openFileBlobStore } = await import(${JSON.stringify(sourceOfStore)});
      const store = await openFileBlobStore({ folder: ${JSON.stringify(folder)} });
      const content = new Uint8Array(await new Response(process.stdin).arrayBuffer());
      async function* part(from, to) { for (let i = from; i < to; i += 1000) yield content.subarray(i, i + 1000); }
      async function* endless(from) { yield* part(from, content.length - 1); console.log('written'); await new Promise((done) => setTimeout(done, 1e9)); }
      console.log('acknowledged ' + await store.uploads.append('u', 0, part(0, 50_000), content.length));
      await store.uploads.append('u', 50_000, endless(50_000), content.length);
      `,
    ]);
    child.stdin.end(content);
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    const exited = once(child, 'exit');
    while (!printed.includes('written') && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    child.kill('SIGKILL');
    await exited;
    expect(complaint).toBe('');
    expect(printed).toContain('acknowledged 50000');

    const store = await openFileBlobStore({ folder });
    const received = await store.uploads.received('u');
    expect(received).toBeGreaterThanOrEqual(50_000);
    await store.uploads.append('u', received, chunks(content.subarray(received), 777), 200_000);
    await store.uploads.complete('u', { sha256: digest(content), bytes: content.length });
    expect(await read(store, digest(content))).toEqual(content);
    await store.close();
  });

  test('leftovers of killed processes are swept after a day, younger ones are left alone', async () => {
    const store = await openFileBlobStore({ folder });
    const stale = join(folder, 'incoming', 't-stale');
    const young = join(folder, 'incoming', 't-young');
    await mkdir(stale);
    await mkdir(young);
    await writeFile(join(stale, 'content'), 'x');
    await utimes(stale, new Date(0), new Date(0));
    await store.close();
    await (await openFileBlobStore({ folder })).close();
    expect(await readdir(join(folder, 'incoming'))).toEqual(['t-young']);
  });

  test('a start while others write is not stopped by what they take away meanwhile', async () => {
    const incoming = join(folder, 'incoming');
    await mkdir(incoming, { recursive: true });
    // Gone when it is looked at, as what another process has finished in between.
    await symlink(join(folder, 'nowhere'), join(incoming, 't-finished'));
    const store = await openFileBlobStore({ folder });
    await expect(store.health()).resolves.toMatchObject({ ok: true });
    await store.close();
  });

  test('nothing is left aside after a put, refused or not', async () => {
    const store = await openFileBlobStore({ folder });
    await store.put(sample(10));
    await expect(store.put(sample(10), { sha256: digest(sample(11)) })).rejects.toThrow('SHA-256');
    expect(await readdir(join(folder, 'incoming'))).toEqual([]);
    await store.close();
  });

  test('a full disk is STORAGE_FULL and hides nothing acknowledged', async ({ skip }) => {
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    skip(mount.status !== 0, 'only root may mount a small disk');
    try {
      const store = await openFileBlobStore({ folder: disk });
      const kept = await store.put(sample(100_000));
      const content = sample(2_000_000);
      await expect(store.put(content)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(await store.has(digest(content))).toBe(false);
      await expect(
        store.uploads.append('u', 0, chunks(content, 50_000), content.length),
      ).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      const received = await store.uploads.received('u');
      expect(received).toBeGreaterThan(0);
      expect(await store.health()).toMatchObject({ ok: false });
      expect(await read(store, kept.sha256)).toEqual(sample(100_000));

      spawnSync('mount', ['-o', 'remount,size=8m', disk]);
      await store.uploads.append(
        'u',
        received,
        chunks(content.subarray(received), 50_000),
        content.length,
      );
      await store.uploads.complete('u', { sha256: digest(content), bytes: content.length });
      expect(await read(store, digest(content))).toEqual(content);
      await store.close();
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});
