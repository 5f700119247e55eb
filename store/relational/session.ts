import type { RawBuilder } from 'kysely';
import type { TransactionHints } from '../contract/store.ts';

/** What a statement takes and gives. Booleans are integers, documents are JSON text, times are epoch milliseconds. */
export type SqlValue = string | number | null;

/** One view of the database: what is committed, or one open transaction with its own writes. */
export interface Session {
  /** Runs one statement and gives all its rows, whole numbers as `number`. Rejects with FathomError where the table in `domain/errors.ts` has a code. */
  query<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]>;
}

export interface WriteSession extends Session {
  /**
   * Runs a statement whose rows nobody needs, after all before it. An engine need not wait for it: then what it meets ends
   * the transaction.
   */
  send(statement: RawBuilder<unknown>): Promise<void>;
  /** Runs once the transaction is durable, never when it was rolled back. Must not throw. */
  afterCommit(action: () => void): void;
}

/** Everything that differs between two engines in the statements of this folder. */
export interface Dialect {
  /**
   * Whether a statement has to travel, so that one for many rows is cheaper than many. Where it has not, a row by its key is
   * safer: an old statistic cannot make the planner read the whole table for it.
   */
  readonly isFar: boolean;
  readonly text: string;
  readonly integer: string;
  readonly real: string;
  /** Ends a `create table` whose rows should lie in the order of the primary key. */
  readonly clustered: string;
  /** A table expression with one column `value`, one row for each of `values`: `from ${list(values)} as p`. */
  list(values: readonly SqlValue[]): RawBuilder<unknown>;
  /** A table expression with these columns, one row for each of `rows`: `from ${rows(columns, values)} as r`. */
  rows(
    columns: readonly { readonly name: string; readonly type: 'text' | 'integer' | 'real' }[],
    rows: readonly (readonly SqlValue[])[],
  ): RawBuilder<unknown>;
  /** The names of a table's columns, empty when there is no such table: rows `{ name }`. */
  columnsOf(table: string): RawBuilder<{ readonly name: string }>;
  /** The names of a table's indexes: rows `{ name }`. */
  indexesOf(table: string): RawBuilder<{ readonly name: string }>;
  /** Ends a `select` that decides over rows: nobody else changes them before the transaction ends. */
  readonly lockRows: RawBuilder<unknown>;
}

/** The seam between the relational layer and one engine. */
export interface Engine {
  readonly name: 'sqlite' | 'postgres';
  readonly dialect: Dialect;
  /** Sees what is committed; does not wait for a running transaction. */
  readonly reads: Session;
  /** Serialisable; durable when it resolves. Rejects with SHUTTING_DOWN after `close`. */
  transaction<T>(work: (session: WriteSession) => Promise<T>, hints?: TransactionHints): Promise<T>;
  /**
   * As `transaction`, for work that reads and writes only rows it has locked (`Dialect.lockRows`) or names by their key.
   * An engine may run it beside transactions that such work cannot mislead.
   */
  step<T>(
    work: (session: WriteSession) => Promise<T>,
    options?: {
      /** A loss of power may undo it: an engine whose power is ours need not wait for the disk. */
      readonly mayBeLost?: boolean;
    },
  ): Promise<T>;
  health(): Promise<{ readonly ok: boolean; readonly message: string | null }>;
  /** Lets transactions that were accepted finish. Idempotent. */
  close(): Promise<void>;
}
