import type { DomainEvent, RecordedEvent } from '../../domain/event.ts';
import type { Json } from '../../domain/json.ts';
import type { ModuleSearch } from './module-search.ts';
import type { StreamReader, StreamWriter } from './stream.ts';
import type { Table, TableName, WritableTable } from './table.ts';
import type { Lease, WorkQueue } from './work.ts';

/**
 * What is remembered. Both engines (embedded SQLite, PostgreSQL) pass one suite. Every method rejects with
 * SHUTTING_DOWN after `close` (but `health`, which says it, and each `changed`, which resolves), and with STORAGE_FULL
 * when the disk refuses a write; then nothing was changed.
 */
export interface Store extends Reads {
  /**
   * Runs `work` in one serialisable transaction: all of it is durable when the promise resolves, none of it when it
   * rejects. `work` may be run again after a serialisation failure, so it must not act outside the store; and it must
   * not wait for anything else, for other writers wait for it. It must use `tx` for all it does: a transaction opened
   * inside another one rejects, and `tx` refuses after the end. No order holds between transactions in flight.
   */
  transaction<T>(work: (tx: Transaction) => Promise<T>, hints?: TransactionHints): Promise<T>;
  readonly work: WorkQueue;
  readonly moduleSearch: ModuleSearch;
  health(): Promise<StoreHealth>;
  close(): Promise<void>;
}

export interface TransactionHints {
  /**
   * It takes numbers (`nextNumber`): those that do take turns, where an engine would otherwise let them collide and run
   * again. Default: false.
   */
  readonly takesNumbers?: boolean;
}

export interface StoreHealth {
  readonly ok: boolean;
  readonly engine: 'sqlite' | 'postgres';
  /** A sentence when not ok. */
  readonly message: string | null;
}

export type Tables = { readonly [T in TableName]: Table<T> };
export type WritableTables = { readonly [T in TableName]: WritableTable<T> };

export interface Reads extends Tables {
  readonly events: EventReader;
  readonly streams: StreamReader;
}

export interface Transaction extends WritableTables {
  readonly events: EventWriter;
  readonly streams: StreamWriter;
  readonly idempotency: Idempotency;
  /** Enqueues in this transaction; visible to workers when it commits. See `WorkQueue.enqueue`. */
  enqueue(kind: string, key: string, dueAt: number): Promise<void>;
  /** As `enqueue` for each key, in one statement. */
  enqueueMany(kind: string, keys: readonly string[], dueAt: number): Promise<void>;
  /** Rejects with LeaseLostError when `lease` is no longer ours: call it first in every transaction of a worker. */
  assertLease(lease: {
    readonly kind: string;
    readonly key: string;
    readonly token: number;
  }): Promise<void>;
  /** Of leases of one kind those that are still ours: as `assertLease` for each, in one statement. */
  heldOf(leases: readonly Lease[]): Promise<readonly Lease[]>;
  /** 1, 2, 3 … by name, without a gap (a rolled-back transaction gives its number back). */
  nextNumber(counter: string): Promise<number>;
  /** The first of the next `count` numbers, at least 1; all of them are the caller's. */
  nextNumbers(counter: string, count: number): Promise<number>;
}

export interface EventReader {
  /** Events with `sequence > after`, in order, at most `limit`. */
  read(aggregateId: string, after: number, limit: number): Promise<readonly RecordedEvent[]>;
  /** The newest sequence, 0 when there is none. */
  head(aggregateId: string): Promise<number>;
  /**
   * Resolves when the aggregate's head may have passed `after` (it may also be a false alarm), or `signal` aborts.
   * Only wakes: the reader reads again. Never rejects.
   */
  changed(aggregateId: string, after: number, signal: AbortSignal): Promise<void>;
}

export interface EventWriter {
  /** Appends with the next sequences of the aggregate; readers are woken when the transaction commits. */
  append(aggregateId: string, at: number, events: readonly DomainEvent[]): Promise<void>;
  /** The same events to each aggregate, each named once, in one statement. */
  appendToEach(
    aggregateIds: readonly string[],
    at: number,
    events: readonly DomainEvent[],
  ): Promise<void>;
  /** To each aggregate its own events, each aggregate named once, in one statement. */
  appendAll(at: number, logs: readonly EventsOf[]): Promise<void>;
}

export interface EventsOf {
  readonly aggregateId: string;
  readonly events: readonly DomainEvent[];
}

export interface Idempotency {
  /**
   * Takes `key` within `scope` (the actor and the operation). Null when it was free: it is now bound to `inputDigest`
   * and, with `remember`, to its answer. Otherwise what it was bound to.
   */
  claim(
    scope: string,
    key: string,
    inputDigest: string,
  ): Promise<{ readonly inputDigest: string; readonly answer: Json } | null>;
  /** In the transaction that claimed the key. */
  remember(scope: string, key: string, answer: Json): Promise<void>;
  /**
   * Takes each key that is free, bound to its answer at once: `claim` and `remember` for many, in one statement or two.
   * Null for those that were free; no key may stand in it twice.
   */
  claimEach(
    claims: readonly IdempotencyClaim[],
  ): Promise<readonly ({ readonly inputDigest: string; readonly answer: Json } | null)[]>;
}

export interface IdempotencyClaim {
  readonly scope: string;
  readonly key: string;
  readonly inputDigest: string;
  readonly answer: Json;
}

/** The lease passed to another worker; whatever this one wanted to write is void. */
export class LeaseLostError extends Error {
  constructor(kind: string, key: string) {
    super(`The lease on ${kind} ${key} was lost.`);
    this.name = 'LeaseLostError';
  }
}

/** The store cannot be opened; the message says to a person what to do. Nothing was changed. */
export class StoreUnusableError extends Error {
  readonly reason: 'IN_USE' | 'DAMAGED' | 'NEWER' | 'NOT_OURS' | 'NO_ACCESS';

  constructor(reason: StoreUnusableError['reason'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'StoreUnusableError';
    this.reason = reason;
  }
}
