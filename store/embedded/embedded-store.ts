import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Ambient } from '../../domain/ambient.ts';
import { FathomError } from '../../domain/errors.ts';
import { StoreUnusableError, type Store } from '../contract/store.ts';
import { CountedClaims } from '../relational/counted-claims.ts';
import { migrate } from '../relational/migrations.ts';
import { freeLeases } from '../relational/work-queue.ts';
import { relationalStore } from '../relational/relational-store.ts';
import type { Session } from '../relational/session.ts';
import { Wake } from '../relational/wake.ts';
import { lockFolder } from './folder-lock.ts';
import { moduleTextMigrations, sqliteModuleText } from './module-text.ts';
import { SegmentFiles } from './segment-files.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { SqliteEngine, sqliteDialect } from './sqlite-engine.ts';
import { sqliteCode, sqliteCodes } from './sqlite-errors.ts';

export interface EmbeddedStoreOptions {
  /** Holds everything: `fathom.db` and `streams/`, on a local disk. Made when it is not there. */
  readonly folder: string;
  /**
   * `exclusive` (the default): no other process has the folder. `shared`: other processes may share it; what they
   * commit is seen at once, and waiters are woken within `lookForOthersMs`.
   */
  readonly access?: 'exclusive' | 'shared';
  readonly ambient: Ambient;
  readonly limits?: {
    /** Refuses to let the database grow beyond this; default: as much as the disk has. */
    readonly databaseBytes?: number;
    /** How long a transaction waits for writers of other processes before it is OVERLOADED; default 5,000. */
    readonly patienceMs?: number;
  };
}

/** `FTHM`: tells our files from any other SQLite database. */
const applicationId = 0x4654484d;
/** 16 MiB of pages in memory for each connection. */
const keepPages = 'pragma cache_size = -16384';
/** A larger database is not read through after a crash; SQLite recovers it by its journal all the same. */
const checkedBytes = 256 * 1024 * 1024;
/** How often a process that shares its folder asks, while somebody waits here, whether others wrote. */
const lookForOthersMs = 50;
const patienceMs = 5_000;

/**
 * Opens, or makes, the store in a folder. Rejects with StoreUnusableError when another process has it (for itself, or at
 * all where we want it for ourselves), when the file is damaged or not ours, or when a newer version wrote it; the file
 * is left as it was.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<Store> {
  const folder = resolve(options.folder);
  makeFolder(folder);
  const access = options.access ?? 'exclusive';
  const lock = await lockFolder(folder, access);
  let writer: SqliteConnection | null = null;
  try {
    const path = join(folder, 'fathom.db');
    const wasCut = lock.isSole && existsSync(`${path}-wal`);
    writer = new SqliteConnection(path, { readOnly: false, timeout: 5000 });
    prepare(writer, path, wasCut, options);
    await migrateDatabase(writer, options.ambient, lock.isSole);
    const reader = new SqliteConnection(path, { readOnly: true, timeout: 5000 });
    reader.all(keepPages);
    // From here on we wait for others' transactions without holding the event loop.
    if (access === 'shared') writer.all('pragma busy_timeout = 0');
    const engine = new SqliteEngine(writer, reader, {
      patienceMs: access === 'shared' ? (options.limits?.patienceMs ?? patienceMs) : 0,
      onClosed: () => lock.release(),
    });
    const store = relationalStore({
      engine,
      text: sqliteModuleText,
      segments: new SegmentFiles(join(folder, 'streams')),
      claims: new CountedClaims(),
      wake: new Wake(
        access === 'shared'
          ? { everyMs: lookForOthersMs, haveWritten: () => engine.othersHaveWritten() }
          : null,
      ),
      ambient: options.ambient,
    });
    lock.opened();
    return store;
  } catch (error) {
    writer?.close();
    lock.release();
    throw refusal(join(folder, 'fathom.db'), error);
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(join(folder, 'streams'), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StoreUnusableError('NO_ACCESS', `The folder ${folder} cannot be written.`, error);
  }
}

function prepare(
  database: SqliteConnection,
  path: string,
  wasCut: boolean,
  { limits }: EmbeddedStoreOptions,
): void {
  const id = database.all('pragma application_id')[0]?.application_id;
  const isNew = database.all('select name from sqlite_schema limit 1').length === 0;
  if (!isNew && id !== applicationId) {
    throw new StoreUnusableError('NOT_OURS', `${path} is the database of another program.`);
  }
  if (isNew) database.all(`pragma application_id = ${applicationId}`);
  database.all('pragma journal_mode = wal');
  database.all('pragma synchronous = full');
  database.all(keepPages);
  database.all(`pragma journal_size_limit = ${64 * 1024 * 1024}`);
  if (wasCut && statSync(path).size <= checkedBytes) {
    const finding = database.all('pragma quick_check(1)')[0]?.quick_check;
    if (finding !== 'ok') throw damaged(path, finding);
  }
  if (limits?.databaseBytes !== undefined) {
    const page = Number(database.all('pragma page_size')[0]?.['page_size']);
    database.all(`pragma max_page_count = ${Math.floor(limits.databaseBytes / page)}`);
  }
}

async function migrateDatabase(
  database: SqliteConnection,
  ambient: Ambient,
  isSole: boolean,
): Promise<void> {
  database.all('begin immediate');
  try {
    const session = { query: async (statement) => database.run(statement) } satisfies Session;
    await migrate(session, sqliteDialect, moduleTextMigrations, ambient.now());
    // Statistics are of the moment when they were made: with those of a few rows the planner reads whole tables when there
    // are many. Without any it takes tables for large and goes by the indexes, which are made for that.
    database.all('drop table if exists sqlite_stat1');
    database.all('drop table if exists sqlite_stat4');
    // Whoever had them is gone.
    if (isSole) await freeLeases(session, ambient.now());
    database.all('commit');
  } catch (error) {
    if (database.inTransaction) database.all('rollback');
    throw error;
  }
}

/** What stands in the way, as a person needs it. */
function refusal(path: string, error: unknown): unknown {
  if (!(error instanceof FathomError)) {
    return sqliteCode(error) === sqliteCodes.CANTOPEN
      ? new StoreUnusableError('NO_ACCESS', `${path} cannot be opened.`, error)
      : error;
  }
  const code = sqliteCode(error.cause);
  const isDamaged = code === sqliteCodes.NOTADB || code === sqliteCodes.CORRUPT;
  return isDamaged ? damaged(path, error) : error;
}

function damaged(path: string, cause: unknown): StoreUnusableError {
  return new StoreUnusableError(
    'DAMAGED',
    `${path} is damaged or no database. Nothing was changed; move the file away to start anew, or bring back a copy.`,
    cause,
  );
}
