import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { dataset } from '../../contract/store-samples.ts';
import { ambient, temporaryFolder } from './folder.ts';

describe('a database that cannot be used', () => {
  it('is refused and left as it is when it is no database', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'fathom.db');
    await writeFile(path, 'not a database, but longer than a header '.repeat(50));
    const before = await readFile(path);
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toMatchObject({
      reason: 'DAMAGED',
    });
    expect((await readFile(path)).equals(before)).toBe(true);
  });

  it('is refused when it was cut off and its pages are damaged', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'fathom.db');
    const store = await openEmbeddedStore({ folder, ambient });
    await store.transaction(async (tx) => {
      for (let n = 0; n < 400; n += 1) await tx.datasets.insert(dataset());
    });
    await store.close();
    const file = await open(path, 'r+');
    const { size } = await file.stat();
    await file.write(Buffer.alloc(4096 * 8, 0xa5), 0, 4096 * 8, 4096 * Math.floor(size / 8192));
    await file.close();
    // A journal beside the database says that nobody closed it.
    await writeFile(`${path}-wal`, '');
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toMatchObject({
      reason: 'DAMAGED',
      message: expect.stringContaining(path) as string,
    });
  });

  it('is refused when another program made it', async () => {
    const folder = await temporaryFolder();
    const other = new DatabaseSync(join(folder, 'fathom.db'));
    other.exec('create table theirs (a)');
    other.close();
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toMatchObject({
      reason: 'NOT_OURS',
    });
  });

  it('is refused when a newer version wrote it, and the folder is not held afterwards', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'fathom.db');
    await (await openEmbeddedStore({ folder, ambient })).close();
    change(path, "insert into migrations values (900, 'from the future', 0)");
    await expect(openEmbeddedStore({ folder, ambient })).rejects.toMatchObject({
      reason: 'NEWER',
      message: expect.stringContaining('newer version') as string,
    });
    change(path, 'delete from migrations where number = 900');
    await (await openEmbeddedStore({ folder, ambient })).close();
  });

  it('is refused when the folder cannot be made', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const below = openEmbeddedStore({ folder: join(folder, 'file', 'below'), ambient });
    await expect(below).rejects.toMatchObject({ reason: 'NO_ACCESS' });
  });
});

describe('a database of an older version', () => {
  it('gets a column that is new, filled from what is stored', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'fathom.db');
    const first = await openEmbeddedStore({ folder, ambient });
    const rows = Array.from({ length: 1200 }, (_, n) => dataset({ updatedAt: n }));
    await first.transaction(async (tx) => {
      for (const row of rows) await tx.datasets.insert(row);
    });
    await first.close();
    change(
      path,
      `drop index "datasets_updatedAt_id"; drop index "datasets_owner_updatedAt_id";
      drop index "datasets_visibility_updatedAt_id"; alter table datasets drop column "updatedAt"`,
    );
    const store = await openEmbeddedStore({ folder, ambient });
    expect(await store.datasets.count({ where: { updatedAt: { atLeast: 1100 } } })).toBe(100);
    expect(
      await store.datasets.find({ orderBy: { column: 'updatedAt', direction: 'DESC' } }),
    ).toEqual(rows.at(-1));
    await store.close();
  });
});

function change(path: string, statements: string): void {
  const database = new DatabaseSync(path);
  database.exec(statements);
  database.close();
}
