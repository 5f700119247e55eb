import { AsyncLocalStorage } from 'node:async_hooks';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, it, onTestFinished } from 'vitest';
import { GroupCommit } from '../../../store/embedded/group-commit.ts';
import { SqliteConnection } from '../../../store/embedded/sqlite-connection.ts';
import { temporaryFolder } from './folder.ts';

async function writer(): Promise<{ connection: SqliteConnection; commits: GroupCommit }> {
  const path = join(await temporaryFolder(), 'a.db');
  const connection = new SqliteConnection(path, { readOnly: false, timeout: 0 });
  onTestFinished(() => connection.close());
  connection.all('pragma journal_mode = wal');
  connection.all('create table parent (id integer primary key)');
  connection.all(
    'create table child (id integer references parent (id) deferrable initially deferred)',
  );
  return {
    connection,
    commits: new GroupCommit(connection, { onRefusal: () => undefined, patienceMs: 0 }),
  };
}

describe('group commit', () => {
  it('lets transactions that queue share one commit', async () => {
    const { connection, commits } = await writer();
    const path = connection.all('pragma database_list')[0]?.['file'];
    const reader = new SqliteConnection(String(path), { readOnly: true, timeout: 0 });
    onTestFinished(() => reader.close());
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 10 }, () =>
        commits.run(async (session) => {
          seen.push(Number(reader.all('select count(*) as n from parent')[0]?.['n']));
          await session.query(sql`insert into parent default values`);
        }),
      ),
    );
    // None of them was visible while the others ran, and all are now.
    expect(seen).toEqual(Array.from({ length: 10 }, () => 0));
    expect(reader.all('select count(*) as n from parent')[0]?.['n']).toBe(10);
  });

  it('waits for the disk for all but those that a loss of power may undo', async () => {
    const { connection, commits } = await writer();
    connection.all('pragma synchronous = full');
    const depths: number[] = [];
    const look = (isDurable: boolean) =>
      commits.run(async (session) => {
        const rows = await session.query(sql<{ synchronous: number }>`pragma synchronous`);
        depths.push(rows[0]?.synchronous ?? NaN);
        await session.query(sql`insert into parent default values`);
      }, isDurable);
    await Promise.all([look(true), look(false), look(false), look(true), look(false)]);
    const [normal, full] = [1, 2];
    expect(depths).toEqual([full, normal, normal, full, normal]);
    expect(connection.all('select count(*) as n from parent')[0]?.['n']).toBe(5);
    await look(true);
    expect(depths.at(-1)).toBe(full);
  });

  it('rejects all of a batch when its commit fails, runs no action of theirs, and goes on', async () => {
    const { connection, commits } = await writer();
    let actions = 0;
    const results = await Promise.allSettled([
      commits.run(async (session) => {
        await session.query(sql`insert into parent values (1)`);
        session.afterCommit(() => (actions += 1));
      }),
      // The foreign key is looked at when the batch commits.
      commits.run((session) => session.query(sql`insert into child values (99)`)),
      commits.run(() => Promise.reject(new Error('mine'))),
    ]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(actions).toBe(0);
    expect(connection.all('select count(*) as n from parent')[0]?.['n']).toBe(0);
    await commits.run(async (session) => {
      await session.query(sql`insert into parent values (1)`);
      session.afterCommit(() => (actions += 1));
    });
    expect(actions).toBe(1);
  });

  it('runs each work in the context of its own caller', async () => {
    const { commits } = await writer();
    const who = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        who.run(name, () => commits.run(() => Promise.resolve(who.getStore()))),
      ),
    );
    expect(seen).toEqual(['a', 'b', 'c']);
  });

  it('is idle when everything that was accepted has ended', async () => {
    const { connection, commits } = await writer();
    for (let n = 0; n < 200; n += 1) {
      void commits.run((session) => session.query(sql`insert into parent default values`));
    }
    await commits.idle();
    expect(connection.all('select count(*) as n from parent')[0]?.['n']).toBe(200);
  });
});
