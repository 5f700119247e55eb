import { sql } from 'kysely';
import type { Client } from 'pg';
import type { Ambient } from '../../domain/ambient.ts';
import { StoreUnusableError, type Store } from '../contract/store.ts';
import { migrate } from '../relational/migrations.ts';
import { relationalStore } from '../relational/relational-store.ts';
import type { Session } from '../relational/session.ts';
import { Wake } from '../relational/wake.ts';
import { type ConnectionLimits, makeConnections, refusal } from './connections.ts';
import { postgresModuleText } from './module-text.ts';
import { Notifications } from './notifications.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { PostgresEngine } from './postgres-engine.ts';
import { postgresMigrations } from './postgres-migrations.ts';
import { RoutedNotices, type SideNotices } from './routed-notices.ts';
import { SegmentRows } from './segment-rows.ts';
import { SkipLockedClaims } from './skip-locked-claims.ts';
import { runStatement } from './statements.ts';

export interface PostgresStoreOptions {
  /** `postgres://user:password@host:port/database?…`. Tables are in the first schema of its search path. */
  readonly url: string;
  readonly ambient: Ambient;
  readonly limits?: ConnectionLimits;
  /** Tells of events and lines beside the database, which goes on to tell of work. */
  readonly beside?: (about: { readonly instance: string; readonly channel: string }) => SideNotices;
}

/**
 * Opens, or makes, the store in a database; processes of any number of machines may have it open. Rejects with
 * StoreUnusableError when it cannot be reached or refuses us, is not ours, or when a newer version wrote it; then it is left
 * as it was.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { url, ambient, limits } = options;
  const connections = makeConnections(url, limits);
  const client = connections.single();
  client.on('error', () => undefined);
  try {
    await client.connect();
    await prepare(client, ambient);
  } catch (error) {
    await connections.end();
    throw refusal(url, error);
  } finally {
    await client.end().catch(() => undefined);
  }
  const instance = `${process.pid}-${Math.floor(ambient.random() * 2 ** 40).toString(36)}`;
  const notifications = new Notifications({
    connect: () => connections.single(),
    instance,
    elapsed: () => performance.now(),
  });
  const side = options.beside?.({ instance, channel: `fathom ${channelOf(url)}` });
  const notices = side === undefined ? notifications : new RoutedNotices(notifications, side);
  const wake = new Wake(notices);
  await notifications.start((topic) => wake.heard(topic));
  side?.start((topic) => wake.heard(topic));
  return relationalStore({
    engine: new PostgresEngine(connections, notices),
    text: postgresModuleText,
    segments: new SegmentRows(),
    claims: new SkipLockedClaims(),
    wake,
    ambient,
    isFar: true,
  });
}

/** Processes on one database and schema hear each other; who they log in as does not matter. */
function channelOf(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  return `${host}${pathname} ${searchParams.get('options') ?? ''}`.trim();
}

/** Those who open it come one after the other, so each finds it either untouched or in order. */
async function prepare(client: Client, ambient: Ambient): Promise<void> {
  const session = { query: (statement) => runStatement(client, statement) } satisfies Session;
  await client.query("begin; set local lock_timeout = '30s'; set local statement_timeout = 0");
  try {
    const about = await client.query<{ encoding: string; schema: string | null }>(
      `select current_setting('server_encoding') as encoding, current_schema()::text as schema,
        pg_advisory_xact_lock(hashtext('fathom ' || coalesce(current_schema(), '')))`,
    );
    const { encoding, schema } = about.rows[0] ?? {};
    if (encoding !== 'UTF8') {
      throw new StoreUnusableError(
        'NOT_OURS',
        `The database holds text as ${encoding}; make one with the encoding UTF8.`,
      );
    }
    if (schema === null) {
      throw new StoreUnusableError('NO_ACCESS', 'The search path of the database names no schema.');
    }
    const columns = await session.query(postgresDialect.columnsOf('migrations'));
    if (columns.length > 0 && !columns.some(({ name }) => name === 'appliedAt')) {
      throw new StoreUnusableError(
        'NOT_OURS',
        `The schema ${schema} has the tables of another program; make a database for Fathom alone.`,
      );
    }
    await migrate(session, postgresDialect, postgresMigrations, ambient.now());
    await session.query(sql`commit`);
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
