import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite';
import {
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type RawBuilder,
} from 'kysely';
import type { SqlValue } from '../relational/session.ts';
import { translateSqlite } from './sqlite-errors.ts';

/** kysely compiles; node:sqlite runs. It never executes anything itself. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

type SqlRow = Record<string, SQLOutputValue>;

/** Prepared statements kept; each costs some kilobytes. The texts of the store are a few hundred. */
const statementLimit = 400;

/** One connection. Everything here is synchronous: a statement is over when its call returns. */
export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string, options: { readonly readOnly: boolean; readonly timeout: number }) {
    this.#database = new DatabaseSync(path, {
      readOnly: options.readOnly,
      timeout: options.timeout,
      enableForeignKeyConstraints: true,
      enableDoubleQuotedStringLiterals: false,
    });
  }

  /** False outside a transaction, also when SQLite rolled it back by itself because of an error. */
  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs a built statement and gives its rows. Throws FathomError where the error table has a code. */
  run<Row>(statement: RawBuilder<Row>): readonly Row[] {
    const { sql, parameters } = statement.compile(compiler);
    return this.all(sql, parameters as readonly SqlValue[]) as readonly Row[];
  }

  all(text: string, parameters: readonly SqlValue[] = []): readonly Readonly<SqlRow>[] {
    try {
      return this.#prepare(text).all(...parameters);
    } catch (error) {
      throw translateSqlite(error);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text);
    if (known !== undefined) {
      // The map keeps the order of use, so the first one is the one that was not used for longest.
      this.#statements.delete(text);
      this.#statements.set(text, known);
      return known;
    }
    const statement = this.#database.prepare(text);
    this.#statements.set(text, statement);
    const oldest = this.#statements.keys().next();
    if (this.#statements.size > statementLimit && oldest.done !== true) {
      this.#statements.delete(oldest.value);
    }
    return statement;
  }
}
