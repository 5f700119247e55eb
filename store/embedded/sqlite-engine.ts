import { sql } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { Dialect, Engine, Session, SqlValue, WriteSession } from '../relational/session.ts';
import { GroupCommit } from './group-commit.ts';
import type { SqliteConnection } from './sqlite-connection.ts';

export const sqliteDialect: Dialect = {
  isFar: false,
  text: 'text',
  integer: 'integer',
  real: 'real',
  clustered: 'without rowid',
  list: (values: readonly SqlValue[]) => sql`json_each(${JSON.stringify(values)})`,
  rows: (columns, rows) => {
    const values = columns.map(({ name }, at) => sql`value ->> ${sql.lit(at)} as ${sql.ref(name)}`);
    return sql`(select ${sql.join(values)} from json_each(${JSON.stringify(rows)}))`;
  },
  columnsOf: (table) => sql<{ name: string }>`select name from pragma_table_info(${table})`,
  indexesOf: (table) => sql<{ name: string }>`select name from pragma_index_list(${table})`,
  // Transactions run one after the other.
  lockRows: sql``,
};

/** SQLite behind one writing and one reading connection on the same file. */
export class SqliteEngine implements Engine {
  readonly name = 'sqlite';
  readonly dialect = sqliteDialect;
  readonly reads: Session;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #commits: GroupCommit;
  readonly #onClosed: () => void;
  #refusal: string | null = null;
  #closing: Promise<void> | null = null;
  #seen: unknown = null;

  constructor(
    writer: SqliteConnection,
    reader: SqliteConnection,
    options: { readonly patienceMs: number; readonly onClosed: () => void },
  ) {
    this.#writer = writer;
    this.#reader = reader;
    this.#onClosed = options.onClosed;
    const { patienceMs } = options;
    this.#commits = new GroupCommit(writer, {
      patienceMs,
      onRefusal: (error) => {
        this.#refusal = sentence(error);
      },
    });
    this.reads = {
      query: async (statement) => {
        this.#assertOpen();
        return reader.run(statement);
      },
    };
  }

  async transaction<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    this.#assertOpen();
    return this.#commits.run(work);
  }

  async step<T>(
    work: (session: WriteSession) => Promise<T>,
    { mayBeLost = false }: { readonly mayBeLost?: boolean } = {},
  ): Promise<T> {
    this.#assertOpen();
    return this.#commits.run(work, !mayBeLost);
  }

  /**
   * Whether another process committed something since this was last asked (or, the first time, may have). The writing
   * connection is asked, for its answer does not change by what this process writes.
   */
  othersHaveWritten(): boolean {
    if (this.#closing !== null) return false;
    const before = this.#seen;
    try {
      this.#seen = this.#writer.all('pragma data_version')[0]?.['data_version'];
    } catch {
      return true;
    }
    return this.#seen !== before;
  }

  /** After a refused write it tries one itself, so that it says by itself when there is room again. */
  async health(): Promise<{ readonly ok: boolean; readonly message: string | null }> {
    if (this.#closing !== null) return { ok: false, message: 'The store is closed.' };
    try {
      this.#reader.all('select count(*) from counters');
      if (this.#refusal !== null) {
        await this.#commits.run(probe);
        this.#refusal = null;
      }
      return { ok: true, message: null };
    } catch (error) {
      return { ok: false, message: sentence(error) };
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#commits.idle();
    try {
      this.#reader.close();
      this.#writer.close();
    } finally {
      this.#onClosed();
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new FathomError('SHUTTING_DOWN', 'The store is closed.');
  }
}

/** Writes and removes as much as an ordinary transaction does, and a little more. */
async function probe(session: WriteSession): Promise<void> {
  const filling = 'x'.repeat(64 * 1024);
  await session.query(sql`insert into counters (name, value) values (${`probe.${filling}`}, 0)`);
  await session.query(sql`delete from counters where name like 'probe.%'`);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
