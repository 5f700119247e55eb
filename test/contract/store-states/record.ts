/**
 * Writes what a database of this version holds, to be opened by every later one:
 * `npx tsx test/contract/store-states/record.ts VERSION`, once for each release that changed the tables, then `npm run format`. Never edit what
 * it wrote. Needs PostgreSQL with `pg_dump`.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { openPostgresStore } from '../../../store/postgres/postgres-store.ts';
import { wordsOf } from '../../../store/relational/module-index.ts';
import { openPostgresServer } from '../../real/postgres-server.ts';
import { module, oneOfEach } from '../store-samples.ts';
import type { StoreState } from './state.ts';

const [version] = process.argv.slice(2);
if (version === undefined) throw new Error('Say which version this is.');
const folder = join(import.meta.dirname, version);
const ambient = { now: () => 1_700_000_000_000, random: () => 0.5 };
const modules = [module({ slug: 'first', title: 'Plankton', tags: ['sea'] }), module()];
const content: StoreState = {
  entities: { ...oneOfEach(), modules: undefined },
  modules,
  log: ['a\nb', { at: 1, text: 'ü😀' }, null],
};

await mkdir(folder, { recursive: true });
await writeFile(join(folder, 'content.json'), `${JSON.stringify(content, null, 1)}\n`);
await recordEmbedded();
await recordPostgres();

async function fill(store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    for (const [table, entity] of Object.entries(content.entities)) {
      if (entity !== undefined) await tx[table as 'datasets'].insert(entity as never);
    }
    for (const one of modules) await tx.modules.insert(one);
    await tx.events.append('run_1', 5, [
      { type: 'trainingRun.accepted' },
      { type: 'trainingRun.cancelRequested', by: 'alice' },
    ]);
    await tx.streams.append('run_1/log', content.log);
    await tx.streams.end('run_1/log');
    await tx.idempotency.claim('alice create', 'key', 'digest');
    await tx.idempotency.remember('alice create', 'key', { id: 'run_1' });
    await tx.enqueue('run', 'run_1', 7);
    await tx.nextNumber('trainingRun');
  });
}

async function recordEmbedded(): Promise<void> {
  const state = await mkdtemp(join(tmpdir(), 'fathom-state-'));
  const store = await openEmbeddedStore({ folder: state, ambient });
  await fill(store);
  await store.close();
  const database = new DatabaseSync(join(state, 'fathom.db'));
  const id = database.prepare('pragma application_id').get()?.['application_id'];
  const objects = database
    .prepare(
      `select name, type, sql from sqlite_schema where sql is not null
        and name not like 'sqlite\\_%' escape '\\' and name not like 'moduleText\\__%' escape '\\' order by type desc, name`,
    )
    .all() as unknown as readonly { name: string; type: string; sql: string }[];
  const lines = [`pragma application_id = ${String(id)};`];
  for (const { sql } of objects) lines.push(`${sql};`);
  for (const { name, type } of objects) {
    if (type !== 'table' || name === 'moduleText') continue;
    for (const row of database.prepare(`select * from "${name}"`).all()) {
      const columns = Object.keys(row).map((column) => `"${column}"`);
      lines.push(
        `insert into "${name}" (${columns.join(', ')}) values (${Object.values(row).map(literal).join(', ')});`,
      );
    }
  }
  // The full-text index keeps no copy of its words.
  for (const [at, one] of modules.entries()) {
    const words = Object.values(wordsOf(one)).map(literal);
    lines.push(
      `insert into "moduleText" (rowid, title, tags, summary, description) values (${at + 1}, ${words.join(', ')});`,
    );
  }
  database.close();
  await writeFile(join(folder, 'embedded.sql'), `${lines.join('\n')}\n`);
  await rm(state, { recursive: true });
}

async function recordPostgres(): Promise<void> {
  const server = await openPostgresServer();
  try {
    const url = await server.schema();
    const store = await openPostgresStore({ url, ambient });
    await fill(store);
    await store.close();
    const schema = new URL(url).searchParams.get('options')?.split('=')[1] ?? '';
    const flags = ['--inserts', '--no-owner', '--no-privileges', '-n', schema, server.url];
    const lines = execFileSync('pg_dump', flags, { encoding: 'utf8' })
      .replaceAll(`${schema}.`, '')
      .split('\n')
      .filter((line) => !/^(--|SET |SELECT pg_catalog\.set_config|\\|CREATE SCHEMA|$)/.test(line));
    await writeFile(join(folder, 'postgres.sql'), `${lines.join('\n')}\n`);
  } finally {
    await server.stop();
  }
}

function literal(value: unknown): string {
  if (value === null) return 'null';
  return typeof value === 'number' ? `${value}` : `'${(value as string).replaceAll("'", "''")}'`;
}
