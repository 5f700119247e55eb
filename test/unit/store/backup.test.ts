import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { backup, restore } from '../../../server/backup.ts';
import { type Config, readConfig } from '../../../server/config.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { dataset } from '../../contract/store-samples.ts';
import { ambient, temporaryFolder } from './folder.ts';

const configFor = (stateFolder: string, more: Partial<Config> = {}): Config => ({
  ...readConfig('/', {}),
  stateFolder,
  ...more,
});
const request = (config: Config, ...args: readonly string[]) => ({
  config,
  root: '/',
  args,
  log: () => undefined,
});

describe('a backup of a folder that is being written to', () => {
  it('is one moment of it, with all bytes that it names, and is restored into a fresh folder', async () => {
    quiet();
    const folder = await temporaryFolder();
    const file = join(folder, 'copies', 'state.backup');
    const [old, fresh] = [join(folder, 'old'), join(folder, 'fresh')];
    const store = await openEmbeddedStore({ folder: old, ambient });
    onTestFinished(() => store.close());
    const blobs = await openFileBlobStore({ folder: join(old, 'storage') });
    onTestFinished(() => blobs.close());
    await writeFile(join(old, 'secret'), 'word', { mode: 0o600 });
    const content = randomBytes(3_000_000);
    const { sha256 } = await blobs.put(content);

    const stop = new AbortController();
    const acknowledged: number[] = [];
    const writing = (async () => {
      while (!stop.signal.aborted) {
        await store.transaction(async (tx) => {
          await tx.datasets.insert(dataset());
          const at = await tx.nextNumber('n');
          await tx.events.append('run_1', at, [{ type: 'trainingRun.accepted' }]);
          await tx.streams.append('log', [`${at} ${'x'.repeat(900)}`]);
        });
        acknowledged.push(acknowledged.length);
      }
    })();
    while (acknowledged.length < 200) await new Promise((resolve) => setTimeout(resolve, 1));
    const before = acknowledged.length;
    await backup(request(configFor(old), file));
    stop.abort();
    await writing;

    await restore(request(configFor(fresh), file));
    const again = await openEmbeddedStore({ folder: fresh, ambient });
    onTestFinished(() => again.close());
    const count = await again.datasets.count({});
    expect(count).toBeGreaterThanOrEqual(before);
    expect(count).toBeLessThanOrEqual(acknowledged.length);
    const numbers = Array.from({ length: count }, (_, n) => n + 1);
    const events = await again.events.read('run_1', 0, 1_000_000);
    expect(events.map(({ at }) => at)).toEqual(numbers);
    const log = await again.streams.read('log', 0, 1_000_000);
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    expect(log.map(({ value }) => Number(text(value).split(' ')[0]))).toEqual(numbers);
    expect(await again.transaction((tx) => tx.nextNumber('n'))).toBe(count + 1);
    expect(await readFile(join(fresh, 'secret'), 'utf8')).toBe('word');
    const copies = await openFileBlobStore({ folder: join(fresh, 'storage') });
    onTestFinished(() => copies.close());
    const hash = createHash('sha256');
    for await (const part of (await copies.open(sha256)).content) hash.update(part);
    expect(hash.digest('hex')).toBe(sha256);
    expect(await readdir(join(folder, 'copies'))).toEqual(['state.backup']);
  });
});

describe('a backup', () => {
  it('never overwrites a file, nor a folder that has something in it', async () => {
    quiet();
    const folder = await temporaryFolder();
    const [state, file] = [join(folder, 'state'), join(folder, 'file')];
    await (await openEmbeddedStore({ folder: state, ambient })).close();
    await backup(request(configFor(state), file));
    await expect(backup(request(configFor(state), file))).rejects.toThrow(/exists/);
    await expect(restore(request(configFor(state), file))).rejects.toThrow(/not empty/);
    await expect(backup(request(configFor(state)))).rejects.toThrow(/use: fathom backup FILE/);
    const none = configFor(join(folder, 'none'));
    await expect(backup(request(none, join(folder, 'x')))).rejects.toThrow(/no database/);
    const elsewhere = configFor(state, { databaseUrl: 'postgres://x/y' });
    await expect(backup(request(elsewhere, join(folder, 'x')))).rejects.toThrow(/pg_dump/);
    expect((await readdir(folder)).toSorted()).toEqual(['file', 'state']);
  });

  it('that is damaged, unfinished or something else is refused, and leaves no folder behind', async () => {
    quiet();
    const folder = await temporaryFolder();
    const [state, file] = [join(folder, 'state'), join(folder, 'file')];
    await (await openEmbeddedStore({ folder: state, ambient })).close();
    await writeFile(join(state, 'secret'), 'word');
    await backup(request(configFor(state), file));
    const good = await readFile(file);
    const target = configFor(join(folder, 'target'));
    const refusals = [
      ['DAMAGED', 'delete from parts where file = 2'],
      ['DAMAGED', "update parts set content = x'00' where file = 2"],
      ['DAMAGED', 'delete from files where number = 2'],
      ['DAMAGED', "delete from about where key = 'files'"],
      ['DAMAGED', "update files set path = '../../outside' where number = 2"],
      ['NOT_OURS', 'pragma application_id = 1'],
    ] as const;
    for (const [reason, statement] of refusals) {
      await writeFile(file, good);
      const database = new DatabaseSync(file);
      database.exec(statement);
      database.close();
      await expect(restore(request(target, file))).rejects.toMatchObject({ reason });
    }
    await writeFile(file, good.subarray(0, good.length / 2));
    await expect(restore(request(target, file))).rejects.toMatchObject({ reason: 'DAMAGED' });
    expect((await readdir(folder)).toSorted()).toEqual(['file', 'state']);
    await writeFile(file, good);
    await restore(request(target, file));
    expect((await readdir(folder)).toSorted()).toEqual(['file', 'state', 'target']);
  });
});

/** The commands tell a person what they did. */
function quiet(): void {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
}
