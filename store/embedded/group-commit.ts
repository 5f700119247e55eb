import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { RawBuilder } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import type { WriteSession } from '../relational/session.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { isBusy, isStorageFull } from './sqlite-errors.ts';

/** How many transactions share one sync of the disk at most; more would hold the event loop and delay the first. */
const batchLimit = 64;
/** Between tries to begin while another process writes: its transactions take a few milliseconds. */
const retryMs = 2;

interface Job {
  readonly work: (session: OpenTransaction) => Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Whether the disk is waited for. */
  readonly isDurable: boolean;
}

export interface GroupCommitOptions {
  /** Hears why a commit failed or the disk refused a write. */
  readonly onRefusal: (error: unknown) => void;
  /** How long a batch waits for writers of other processes; 0 when there are none. */
  readonly patienceMs: number;
}

/** How a transaction ended inside its batch; told to its caller only when the batch is durable. */
interface Outcome {
  readonly job: Job;
  readonly error: { readonly thrown: unknown } | null;
  readonly value: unknown;
  readonly actions: readonly (() => void)[];
}

/**
 * The one writer. Transactions run one after the other, never interleaved, each as a savepoint; those that queue while
 * one runs join its outer transaction and share its sync. Nobody is answered before that is durable, not even with a
 * refusal, for it may rest on what a neighbour wrote; if the outer commit fails, all are rejected. Those that a loss of
 * power may undo make batches of their own, whose commit is ordered before all later ones but waits for no disk.
 * Where other processes write too, they and we take turns by batches; who waits too long is told OVERLOADED.
 */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #onRefusal: (error: unknown) => void;
  readonly #patienceMs: number;
  readonly #queue: Job[] = [];
  readonly #inside = new AsyncLocalStorage<OpenTransaction>();
  /** Of the connection: `synchronous = full`, as it was opened with. */
  #isDurable = true;
  #draining: Promise<void> | null = null;

  constructor(connection: SqliteConnection, options: GroupCommitOptions) {
    this.#connection = connection;
    this.#onRefusal = options.onRefusal;
    this.#patienceMs = options.patienceMs;
  }

  run<T>(work: (session: WriteSession) => Promise<T>, isDurable = true): Promise<T> {
    if (this.#inside.getStore()?.isOpen === true) {
      return Promise.reject(
        new Error('A transaction was opened inside another one: it would wait for itself.'),
      );
    }
    return new Promise<T>((resolve, reject) => {
      // The queue runs in whatever context woke it; the work belongs to its own caller's.
      const resume = AsyncLocalStorage.snapshot();
      this.#queue.push({
        work: (session) => resume(() => this.#inside.run(session, () => work(session))),
        resolve: (value) => resolve(value as T),
        reject,
        isDurable,
      });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when everything that was accepted has ended. */
  async idle(): Promise<void> {
    while (this.#draining !== null) await this.#draining;
  }

  async #drain(): Promise<void> {
    // Callers of one turn of the event loop go into one batch.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      await this.#batch();
      if (this.#queue.length === 0) break;
      // Whoever waits in another process gets its turn.
      await (this.#patienceMs > 0 ? sleep(1) : setImmediate());
    }
    this.#draining = null;
  }

  async #batch(): Promise<void> {
    const outcomes: Outcome[] = [];
    let failure: { readonly thrown: unknown } | null = null;
    const isDurable = this.#queue[0]?.isDurable !== false;
    try {
      await this.#begin(isDurable);
      for (
        let job = this.#next(isDurable, 0);
        job !== undefined;
        job = this.#next(isDurable, outcomes.length)
      ) {
        const outcome = await this.#attempt(job);
        outcomes.push(outcome);
        if (!this.#connection.inTransaction) throw outcome.error?.thrown;
      }
      this.#connection.all('commit');
    } catch (error) {
      failure = { thrown: error };
      this.#rollBack();
      // The database is busy for all who wait; any other failure belongs to the first one.
      const refused = isBusy(error) ? this.#queue.length : outcomes.length === 0 ? 1 : 0;
      for (const job of this.#queue.splice(0, refused)) {
        outcomes.push({ job, error: failure, value: null, actions: [] });
      }
    }
    this.#report(failure, outcomes);
    for (const { job, error, value, actions } of outcomes) {
      const refusal = failure ?? error;
      if (refusal !== null) {
        job.reject(refusal.thrown);
        continue;
      }
      for (const action of actions) action();
      job.resolve(value);
    }
  }

  async #begin(isDurable: boolean): Promise<void> {
    if (isDurable !== this.#isDurable) {
      this.#connection.all(`pragma synchronous = ${isDurable ? 'full' : 'normal'}`);
      this.#isDurable = isDurable;
    }
    const limit = performance.now() + this.#patienceMs;
    for (;;) {
      try {
        this.#connection.all('begin immediate');
        return;
      } catch (error) {
        if (!isBusy(error) || performance.now() >= limit) throw error;
      }
      await sleep(retryMs);
    }
  }

  #next(isDurable: boolean, done: number): Job | undefined {
    const fits = done < batchLimit && this.#queue[0]?.isDurable === isDurable;
    return fits ? this.#queue.shift() : undefined;
  }

  async #attempt(job: Job): Promise<Outcome> {
    const session = new OpenTransaction(this.#connection);
    try {
      this.#connection.all('savepoint one');
      const value = await job.work(session);
      session.end();
      if (session.doom !== null) throw session.doom;
      this.#connection.all('release one');
      return { job, error: null, value, actions: session.actions };
    } catch (error) {
      session.end();
      if (this.#connection.inTransaction) {
        this.#connection.all('rollback to one');
        this.#connection.all('release one');
      }
      return { job, error: { thrown: error }, value: null, actions: [] };
    }
  }

  #report(failure: { readonly thrown: unknown } | null, outcomes: readonly Outcome[]): void {
    const refused = failure ?? outcomes.find(({ error }) => isStorageFull(error?.thrown))?.error;
    if (refused === undefined || refused === null || isBusy(refused.thrown)) return;
    this.#onRefusal(refused.thrown);
  }

  #rollBack(): void {
    if (!this.#connection.inTransaction) return;
    try {
      this.#connection.all('rollback');
    } catch (error) {
      // The connection then refuses the next `begin`, which tells its caller; there is nobody to tell here.
      this.#onRefusal(error);
    }
  }
}

/** What the work of one transaction sees. After its end it refuses, so that a late write cannot slip into another's. */
class OpenTransaction implements WriteSession {
  readonly actions: (() => void)[] = [];
  readonly #connection: SqliteConnection;
  isOpen = true;
  /** A refusal by the disk ends the transaction even when the work swallowed it. */
  doom: FathomError | null = null;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  // Asynchronous for the contract's sake: an engine over a network is.
  async query<Row>(statement: RawBuilder<Row>): Promise<readonly Row[]> {
    if (!this.isOpen) throw new Error('The transaction is over.');
    if (this.doom !== null) throw this.doom;
    try {
      return this.#connection.run(statement);
    } catch (error) {
      if (isStorageFull(error)) this.doom = error;
      else if (!this.#connection.inTransaction) {
        // Without this the next statement would commit on its own.
        this.doom = new FathomError('INTERNAL', 'The transaction was rolled back.', {
          cause: error,
        });
      }
      throw error;
    }
  }

  async send(statement: RawBuilder<unknown>): Promise<void> {
    await this.query(statement);
  }

  afterCommit(action: () => void): void {
    if (!this.isOpen) throw new Error('The transaction is over.');
    this.actions.push(action);
  }

  end(): void {
    this.isOpen = false;
  }
}
