import { Client, type ClientBase, type ClientConfig, Pool, types } from 'pg';
import { StoreUnusableError } from '../contract/store.ts';
import { sqlState } from './postgres-errors.ts';

export interface ConnectionLimits {
  /** Connections of this process at most; at least 4. Default 10. */
  readonly connections?: number;
  /** How long a transaction waits for a connection or for others before it is refused; default 5,000. */
  readonly patienceMs?: number;
  /** After this time a transaction that does nothing is ended by the server: its process is gone or stands still. Default 5,000. */
  readonly idleTransactionMs?: number;
}

/** The connections of one process, shared out so that reads inside a transaction never wait for transactions. */
export interface Connections {
  readonly reads: Pool;
  readonly writes: Pool;
  /** Transactions at once at most; one connection more is there for the lane. */
  readonly writers: number;
  /** A connection of its own, not connected yet. */
  single(): Client;
  end(): Promise<void>;
}

const connectMs = 5_000;
const statementMs = 30_000;

/** Nothing is connected yet. Throws StoreUnusableError when `url` is none of PostgreSQL. */
export function makeConnections(url: string, limits: ConnectionLimits = {}): Connections {
  const patienceMs = limits.patienceMs ?? 5_000;
  const count = Math.max(4, limits.connections ?? 10);
  const writers = Math.ceil((count - 2) / 2);
  const config: ClientConfig = {
    connectionString: checked(url),
    application_name: 'fathom',
    types: { getTypeParser },
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    // The server answers first; this is for one that does not answer at all.
    query_timeout: statementMs + connectMs,
    lock_timeout: patienceMs,
    idle_in_transaction_session_timeout: limits.idleTransactionMs ?? 5_000,
  };
  const pool = (max: number, pipeline: boolean): Pool => {
    const made = new Pool({
      ...config,
      pipeline,
      max,
      idleTimeoutMillis: 60_000,
      onConnect: makeDurable,
    });
    // A connection that is lost while nobody uses it concerns nobody; the next one is a new one.
    made.on('error', () => undefined);
    made.on('connect', (client) => client.on('error', () => undefined));
    return made;
  };
  const reads = pool(count - 2 - writers, false);
  // A transaction sends on without waiting for what it need not know.
  const writes = pool(writers + 1, true);
  return {
    reads,
    writes,
    writers,
    single: () => new Client(config),
    async end() {
      await Promise.all([reads.end(), writes.end()]);
    },
  };
}

/** What was acknowledged must survive the server's own crash. The pool waits for it, whatever its types say. */
const makeDurable = ((client: ClientBase) => client.query(durable)) as (client: ClientBase) => void;

const durable = `select set_config('synchronous_commit', 'on', false)
  where current_setting('synchronous_commit') = 'off'`;

const wholeTypes: ReadonlySet<number> = new Set([types.builtins.INT8, types.builtins.NUMERIC]);

/** Whole numbers that SQL counts in eight bytes are numbers here: all of ours are below 2^53. */
function getTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  return wholeTypes.has(oid)
    ? Number
    : (types.getTypeParser(oid, format) as (value: string) => unknown);
}

function checked(url: string): string {
  let protocol: string;
  try {
    ({ protocol } = new URL(url));
  } catch (error) {
    throw new StoreUnusableError('NO_ACCESS', 'The database URL is no URL.', error);
  }
  if (protocol === 'postgres:' || protocol === 'postgresql:') return url;
  throw new StoreUnusableError(
    'NO_ACCESS',
    `The database URL begins with ${protocol}// where postgres:// is expected.`,
  );
}

/** What stands in the way of opening, as a person needs it; never with the password. */
export function refusal(url: string, error: unknown): unknown {
  if (error instanceof StoreUnusableError) return error;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const state = sqlState(cause);
  const isRefused = state !== null && /^(28|3D|42501|08|53|57P)/.test(state);
  const isSystem = cause instanceof Error && 'syscall' in cause;
  const isLost = error instanceof Error && 'code' in error && error.code === 'STORE_UNAVAILABLE';
  if (!isRefused && !isSystem && !isLost) return error;
  return new StoreUnusableError(
    'NO_ACCESS',
    `The database at ${withoutPassword(url)} cannot be used: ${sentence(cause)}`,
    error,
  );
}

function withoutPassword(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  return `${host || (searchParams.get('host') ?? '')}${pathname}`;
}

function sentence(error: unknown): string {
  if (error instanceof AggregateError) return sentence(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
