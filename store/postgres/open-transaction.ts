import { FathomError } from '../../domain/errors.ts';
import type { RawBuilder } from 'kysely';
import type { WriteSession } from '../relational/session.ts';
import { type Runner, runStatement } from './statements.ts';

/**
 * What the work of one transaction sees. After an error PostgreSQL refuses whatever follows, so the first one is the
 * transaction's end, also when the work swallowed it. After its end it refuses, so that a late write cannot slip into
 * another's.
 */
export class OpenTransaction implements WriteSession {
  readonly actions: (() => void)[] = [];
  readonly #runner: Runner;
  #isOpen = true;
  #doom: { readonly thrown: unknown } | null = null;
  /** A connection takes one statement at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    if (!this.#isOpen) throw new Error('The transaction is over.');
    const turn = this.#last.then(() => this.#run(statement));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Statements of the work that it did not wait for come to their end first. */
  async settled(): Promise<void> {
    await this.#last;
  }

  async #run<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    if (this.#doom !== null) throw this.#doom.thrown;
    try {
      return await runStatement(this.#runner, statement);
    } catch (error) {
      this.#doom = { thrown: error };
      throw error;
    }
  }

  afterCommit(action: () => void): void {
    if (!this.#isOpen) throw new Error('The transaction is over.');
    this.actions.push(action);
  }

  /** Throws what ended it before. */
  end(): void {
    this.#isOpen = false;
    if (this.#doom !== null) throw this.#doom.thrown;
  }

  /** Ends it whatever happened; gives the error that counts. */
  abandon(error: unknown): unknown {
    this.#isOpen = false;
    return this.#doom?.thrown ?? error;
  }
}

/** What a transaction's caller is told, and what happens once it is durable. */
export interface Ended {
  readonly value: unknown;
  readonly actions: readonly (() => void)[];
}

/** The error that PostgreSQL gave, where ours wraps it. */
export function native(error: unknown): unknown {
  return error instanceof FathomError && error.cause !== undefined ? error.cause : error;
}
