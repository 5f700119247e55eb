import type { RawBuilder } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { WriteSession } from '../relational/session.ts';
import { sqlState } from './postgres-errors.ts';
import { type Runner, runStatement } from './statements.ts';

/**
 * What the work of one transaction sees. Statements go to the server in the order in which they were asked for, without
 * waiting for each other. After an error PostgreSQL refuses whatever follows, so the first one is the transaction's end,
 * also when the work swallowed it. After its end it refuses, so that a late write cannot slip into another's.
 */
export class OpenTransaction implements WriteSession {
  readonly actions: (() => void)[] = [];
  readonly #runner: Runner;
  #isOpen = true;
  #doom: { readonly thrown: unknown } | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    return this.#run(statement);
  }

  async send(statement: RawBuilder<unknown>): Promise<void> {
    this.#run(statement).catch(() => undefined);
  }

  afterCommit(action: () => void): void {
    this.#assertOpen();
    this.actions.push(action);
  }

  /** Nothing more goes in. */
  close(): void {
    this.#isOpen = false;
  }

  /** Resolves when every statement was answered; throws the first refusal. */
  async settled(): Promise<void> {
    await this.#last;
    if (this.#doom !== null) throw this.#doom.thrown;
  }

  /** Closes it because of `error`; gives the one that counts. */
  async abandon(error: unknown): Promise<unknown> {
    this.close();
    await this.#last;
    const doom = this.#doom?.thrown;
    // That the transaction is no more says nothing of why.
    return doom === undefined || sqlState(doom) === '25P02' ? error : doom;
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw new Error('The transaction is over.');
    if (this.#doom !== null) throw this.#doom.thrown;
  }

  #run<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    this.#assertOpen();
    const answer = runStatement(this.#runner, statement).catch((error: unknown) => {
      // Those that were on their way already fail because of the first one.
      this.#doom ??= { thrown: error };
      throw this.#doom.thrown;
    });
    this.#last = answer.catch(() => undefined);
    return answer;
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
