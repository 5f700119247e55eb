import type { Pool } from 'pg';
import { FathomError } from '../../domain/errors.ts';
import type { TransactionHints } from '../contract/store.ts';
import type { Engine, Session, WriteSession } from '../relational/session.ts';
import type { Connections } from './connections.ts';
import type { Notices } from '../relational/wake.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { isStorageFull, translatePostgres } from './postgres-errors.ts';
import { runStatement } from './statements.ts';
import { Transactions } from './transactions.ts';

/** PostgreSQL behind a bounded number of connections. */
export class PostgresEngine implements Engine {
  readonly name = 'postgres';
  readonly dialect = postgresDialect;
  readonly reads: Session;
  readonly #connections: Connections;
  readonly #notices: Notices;
  readonly #transactions: Transactions;
  readonly #underWay = new Set<Promise<unknown>>();
  #refusal: string | null = null;
  #closing: Promise<void> | null = null;

  constructor(connections: Connections, notices: Notices) {
    this.#connections = connections;
    this.#notices = notices;
    this.#transactions = new Transactions({
      pool: connections.writes,
      writers: connections.writers,
      onRefusal: (error) => {
        if (isStorageFull(error)) this.#refusal = sentence(error);
      },
    });
    this.reads = {
      query: async (statement) => {
        this.#assertOpen();
        return this.#counted(runStatement(connections.reads, statement));
      },
    };
  }

  async transaction<T>(
    work: (session: WriteSession) => Promise<T>,
    hints: TransactionHints = {},
  ): Promise<T> {
    this.#assertOpen();
    return this.#counted(this.#transactions.run(work, hints));
  }

  async step<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#counted(this.#transactions.step(work));
  }

  /** After a refused write it tries one itself, so that it says by itself when there is room again. */
  async health(): Promise<{ readonly ok: boolean; readonly message: string | null }> {
    if (this.#closing !== null) return { ok: false, message: 'The store is closed.' };
    try {
      await this.#counted(look(this.#connections.reads));
      if (this.#refusal !== null) {
        await this.#counted(probe(this.#connections.writes));
        this.#refusal = null;
      }
    } catch (error) {
      return { ok: false, message: sentence(translatePostgres(error)) };
    }
    return { ok: true, message: this.#notices.complaint };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled([...this.#underWay]);
    await this.#notices.close();
    await this.#connections.end();
  }

  #counted<T>(promise: Promise<T>): Promise<T> {
    this.#underWay.add(promise);
    const done = (): void => void this.#underWay.delete(promise);
    promise.then(done, done);
    return promise;
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new FathomError('SHUTTING_DOWN', 'The store is closed.');
  }
}

/** It answers, knows our tables, and takes writes: a standby does not. */
async function look(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ standby: boolean }>(
    'select pg_is_in_recovery() as standby, (select count(*) from counters) as counters',
  );
  if (rows[0]?.standby === true) {
    throw new FathomError('STORE_UNAVAILABLE', 'The database is a standby and takes no writes.');
  }
}

/** Writes and removes as much as an ordinary transaction does, and a little more. */
async function probe(pool: Pool): Promise<void> {
  const filling = 'x'.repeat(64 * 1024);
  await pool.query(
    `with written as (insert into "streamSegments" (stream, position, doc) values ('probe', 0, $1)
      on conflict do nothing returning stream) select count(*) from written`,
    [filling],
  );
  await pool.query(`delete from "streamSegments" where stream = 'probe'`);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
