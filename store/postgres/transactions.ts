import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pool, PoolClient } from 'pg';
import type { TransactionHints } from '../contract/store.ts';
import type { WriteSession } from '../relational/session.ts';
import { type Ended, native, OpenTransaction } from './open-transaction.ts';
import { isConflict, isTaken, translatePostgres } from './postgres-errors.ts';

/** Transactions that queue share one commit of the lane, up to so many and so long: others wait for it. */
const batchLimit = 64;
const batchMs = 100;
/** Conflicts inside the lane are with steps alone, so a second try passes; more than this and something is wrong. */
const longestTries = 8;

interface Job {
  readonly work: (session: OpenTransaction) => Promise<unknown>;
  /** How it begins beside others. */
  readonly begin: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

export interface TransactionsOptions {
  readonly pool: Pool;
  /** Transactions side by side at most; the pool has one connection more, for the lane. */
  readonly writers: number;
  /** Hears why a transaction or its commit failed. */
  readonly onRefusal: (error: unknown) => void;
}

/**
 * Serialisable transactions, from many processes at once. At first each runs beside others, on a connection of its own;
 * PostgreSQL refuses it when they do not fit together. Who was refused runs again in the lane: alone in the whole
 * database, so it cannot be refused again, and together with others that queue here, which share one commit. So there is
 * concurrency where transactions do not meet, and where they do each runs twice at most.
 * `writers` is a table without rows: transactions side by side hold it in a mode that excludes the lane's.
 */
export class Transactions {
  readonly #options: TransactionsOptions;
  readonly #waiting: Job[] = [];
  /** Refused once; for the lane. */
  readonly #refused: Job[] = [];
  readonly #inside = new AsyncLocalStorage<OpenTransaction>();
  #running = 0;
  #inLane = false;

  constructor(options: TransactionsOptions) {
    this.#options = options;
  }

  async run<T>(
    work: (session: WriteSession) => Promise<T>,
    hints: TransactionHints = {},
  ): Promise<T> {
    this.#assertOutside();
    return new Promise<T>((resolve, reject) => {
      // Jobs run in whatever context woke the queue; the work belongs to its own caller's.
      const resume = AsyncLocalStorage.snapshot();
      this.#waiting.push({
        work: (session) => resume(() => this.#inside.run(session, () => work(session))),
        begin: hints.takesNumbers === true ? beginWithNumbers : beginBeside,
        resolve: (value) => resolve(value as T),
        reject,
        tries: 0,
      });
      this.#next();
    });
  }

  /** One short transaction on rows that it locks, beside all others and the lane. */
  async step<T>(work: (session: WriteSession) => Promise<T>): Promise<T> {
    this.#assertOutside();
    for (let tries = 1; ; tries += 1) {
      try {
        const ended = await this.#alone('begin', work);
        for (const action of ended.actions) action();
        return ended.value as T;
      } catch (error) {
        if (!isConflict(native(error)) || tries >= longestTries) throw translatePostgres(error);
      }
    }
  }

  #assertOutside(): void {
    if (this.#inside.getStore()?.isOpen !== true) return;
    throw new Error('A transaction was opened inside another one: it would wait for itself.');
  }

  #next(): void {
    if (this.#refused.length > 0 && !this.#inLane) {
      this.#inLane = true;
      void this.#lane().finally(() => {
        this.#inLane = false;
        this.#next();
      });
    }
    while (!this.#inLane && this.#running < this.#options.writers) {
      const job = this.#waiting.shift();
      if (job === undefined) break;
      this.#running += 1;
      void this.#beside(job).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #beside(job: Job): Promise<void> {
    job.tries += 1;
    try {
      const ended = await this.#alone(job.begin, job.work);
      for (const action of ended.actions) action();
      job.resolve(ended.value);
    } catch (error) {
      const cause = native(error);
      if (isConflict(cause) || isTaken(cause)) this.#refused.push(job);
      else this.#refuse([job], error);
    }
  }

  /** One commit for those that were refused, and for whoever waits meanwhile. */
  async #lane(): Promise<void> {
    const taken: Job[] = [];
    try {
      const told = await this.#once(beginLane, async (client, begun) => {
        // Who was not let in must not take a job.
        const refused = await begun;
        if (refused !== null) throw refused.thrown;
        const answers: { readonly job: Job; readonly ended: Ended | Refused }[] = [];
        const limit = performance.now() + batchMs;
        while (taken.length < batchLimit && performance.now() < limit) {
          const job = this.#refused.shift() ?? this.#waiting.shift();
          if (job === undefined) break;
          taken.push(job);
          answers.push({ job, ended: await attemptInBatch(client, job) });
        }
        return { value: answers, actions: [] };
      });
      for (const { job, ended } of told.value) {
        if ('thrown' in ended) {
          this.#refuse([job], ended.thrown);
          continue;
        }
        for (const action of ended.actions) action();
        job.resolve(ended.value);
      }
    } catch (error) {
      // Nobody was let in: it is the same for all who wait for the lane.
      const all = taken.length === 0 ? this.#refused.splice(0) : taken;
      if (!isConflict(native(error))) return this.#refuse(all, error);
      this.#refuse(
        all.filter((job) => job.tries >= longestTries),
        error,
      );
      this.#refused.push(...all.filter((job) => job.tries < longestTries));
    }
  }

  /** One piece of work by itself; rejects with the first refusal that one of its statements met. */
  async #alone(
    begin: string,
    work: (session: OpenTransaction) => Promise<unknown>,
  ): Promise<Ended> {
    const sessions: OpenTransaction[] = [];
    try {
      return await this.#once(begin, async (client) => {
        const ended = await attempt(client, work);
        sessions.push(ended.session);
        return ended;
      });
    } catch (error) {
      const [session] = sessions;
      throw session === undefined ? error : translate(await session.abandon(error));
    }
  }

  /** Everything that `work` does is durable, or nothing of it is there. A connection that failed is not used again. */
  async #once<T>(
    begin: string,
    work: (client: PoolClient, begun: Promise<Refused | null>) => Promise<T>,
  ): Promise<T> {
    let client: PoolClient;
    try {
      client = await this.#options.pool.connect();
    } catch (error) {
      throw translatePostgres(error);
    }
    let isWhole = false;
    // Not waited for: what comes next is behind it on the same connection.
    const begun = refusalOf(client.query(begin));
    try {
      const result = await work(client, begun);
      // PostgreSQL answers the commit of a transaction that failed with a rollback, and no error.
      const { command } = await client.query('commit');
      if (command !== 'COMMIT') throw new Error('The transaction was rolled back.');
      isWhole = true;
      return result;
    } catch (error) {
      const refused = await begun;
      isWhole = (await refusalOf(client.query('rollback'))) === null;
      throw translate(refused?.thrown ?? error);
    } finally {
      client.release(!isWhole);
    }
  }

  #refuse(jobs: readonly Job[], error: unknown): void {
    const told = translatePostgres(error);
    this.#options.onRefusal(told);
    for (const job of jobs) job.reject(told);
  }
}

interface Refused {
  readonly thrown: unknown;
}

/** Locks first, and only then a statement: what a serialisable transaction sees is fixed by its first statement. */
const beginBeside = 'begin isolation level serializable; lock table writers in row share mode';
/** In turn with all who take numbers, so that what they see is not old when their turn comes. */
const beginWithNumbers = `${beginBeside}; lock table counters in share row exclusive mode`;
/** Nobody else writes in it, so it may see what it waited for. */
const beginLane = 'begin isolation level read committed; lock table writers in exclusive mode';

/** What it writes may still be on its way, and be refused; the commit behind it then is refused, too. */
async function attempt(
  client: PoolClient,
  work: (session: OpenTransaction) => Promise<unknown>,
): Promise<Ended & { readonly session: OpenTransaction }> {
  const session = new OpenTransaction(client);
  try {
    const value = await work(session);
    session.close();
    return { value, actions: session.actions, session };
  } catch (error) {
    throw await session.abandon(error);
  }
}

async function attemptInBatch(client: PoolClient, job: Job): Promise<Ended | Refused> {
  job.tries += 1;
  const saved = refusalOf(client.query('savepoint one'));
  try {
    const ended = await attempt(client, job.work);
    await ended.session.settled();
    void refusalOf(client.query('release one'));
    return ended;
  } catch (error) {
    if (isConflict(native(error))) throw error;
    const refused =
      (await saved) ?? (await refusalOf(client.query('rollback to one; release one')));
    if (refused !== null) throw refused.thrown;
    return { thrown: error };
  }
}

/** What it rejects with, or null. Never rejects, so it may be left alone. */
function refusalOf(promise: Promise<unknown>): Promise<Refused | null> {
  return promise.then(
    () => null,
    (thrown: unknown) => ({ thrown }),
  );
}

/** The code of a conflict is kept, for whoever decides about another try. */
function translate(error: unknown): unknown {
  return isConflict(error) || isTaken(error) ? error : translatePostgres(error);
}
