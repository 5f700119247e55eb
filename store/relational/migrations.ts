import { sql, type RawBuilder } from 'kysely';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { TableName } from '../contract/table.ts';
import { StoreUnusableError } from '../contract/store.ts';
import { columnsOf, indexesOf, tableNames, tableStatement, toSql, typeOf } from './columns.ts';
import type { Dialect, Session } from './session.ts';

/** One step of the fixed tables' history: numbered from 1, forward only, never changed once released. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  statements(dialect: Dialect): readonly RawBuilder<unknown>[];
}

/**
 * Brings the database to the state this program knows; run it in one transaction. `extra` are the engine's own steps
 * (numbers from 1000 on). Throws StoreUnusableError NEWER when a later program wrote here.
 */
export async function migrate(
  session: Session,
  dialect: Dialect,
  extra: readonly Migration[],
  now: number,
): Promise<void> {
  await session.query(sql`create table if not exists migrations (number ${sql.raw(dialect.integer)}
    primary key, name ${sql.raw(dialect.text)} not null, "appliedAt" ${sql.raw(dialect.integer)} not null)`);
  const applied = await session.query(
    sql<{ number: number; name: string }>`select number, name from migrations`,
  );
  const known = [...migrations, ...extra];
  const strange = applied.filter((row) => !known.some((step) => isSame(step, row)));
  if (strange.length > 0) {
    throw new StoreUnusableError(
      'NEWER',
      `The database was written by a newer version of this program (it knows "${strange.map((row) => row.name).join('", "')}", this one does not). Start that version, or give this one another folder.`,
    );
  }
  for (const step of known) {
    if (applied.some((row) => isSame(step, row))) continue;
    for (const statement of step.statements(dialect)) await session.query(statement);
    await session.query(sql`insert into migrations values (${step.number}, ${step.name}, ${now})`);
  }
  for (const table of tableNames) await deriveColumns(session, dialect, table);
}

function isSame(step: Migration, row: { readonly number: number; readonly name: string }): boolean {
  return step.number === row.number && step.name === row.name;
}

/**
 * An entity's columns are derived from its document, so a new column needs no step of its own: it is added here and
 * filled from the documents.
 */
async function deriveColumns(session: Session, dialect: Dialect, table: TableName): Promise<void> {
  const present = new Set((await session.query(dialect.columnsOf(table))).map((row) => row.name));
  if (present.size === 0) await session.query(tableStatement(table, dialect));
  const added = present.size === 0 ? [] : columnsOf(table).filter((name) => !present.has(name));
  for (const column of added) {
    await session.query(
      sql`alter table ${sql.table(table)} add column ${sql.ref(column)} ${sql.raw(dialect[typeOf(column)])}`,
    );
  }
  if (added.length > 0) await fill(session, table, added);
  // Asked for first: to make an index that is there would still wait for whoever writes to the table.
  const indexes = new Set((await session.query(dialect.indexesOf(table))).map((row) => row.name));
  for (const index of indexesOf(table)) {
    if (!indexes.has(index.name)) await session.query(index.statement);
  }
}

async function fill(session: Session, table: TableName, columns: readonly string[]): Promise<void> {
  let after = '';
  for (;;) {
    const rows = await session.query(
      sql<{ id: string; doc: string }>`select id, doc from ${sql.table(table)}
        where id > ${after} order by id limit 500`,
    );
    for (const row of rows) {
      const document = JSON.parse(row.doc) as JsonObject;
      const changes = columns.map(
        (column) => sql`${sql.ref(column)} = ${toSql(document[column] satisfies Json | undefined)}`,
      );
      await session.query(
        sql`update ${sql.table(table)} set ${sql.join(changes)} where id = ${row.id}`,
      );
      after = row.id;
    }
    if (rows.length < 500) return;
  }
}

export const migrations: readonly Migration[] = [
  {
    number: 1,
    name: 'events, idempotency, counters, work, streams',
    statements: ({ text, integer, clustered }) => {
      const t = sql.raw(text);
      const i = sql.raw(integer);
      const end = sql.raw(clustered);
      return [
        sql`create table events ("aggregateId" ${t} not null, sequence ${i} not null, at ${i} not null,
          doc ${t} not null, primary key ("aggregateId", sequence)) ${end}`,
        sql`create table idempotency (scope ${t} not null, key ${t} not null, "inputDigest" ${t} not null,
          answer ${t}, "createdAt" ${i} not null, primary key (scope, key)) ${end}`,
        sql`create table counters (name ${t} primary key, value ${i} not null) ${end}`,
        // "readyAt" is when a worker may take the row: when it is due, or when its lease ends.
        sql`create table work (kind ${t} not null, key ${t} not null, "readyAt" ${i} not null,
          token ${i}, worker ${t}, claims ${i} not null, "wishAt" ${i}, primary key (kind, key)) ${end}`,
        sql`create index "work_readyAt" on work (kind, "readyAt", key)`,
        sql`create table streams (name ${t} primary key, head ${i} not null, bytes ${i} not null,
          dropped ${i} not null, ended ${i} not null, "fileBytes" ${i} not null, "tailBytes" ${i} not null) ${end}`,
        sql`create table "streamChunks" (stream ${t} not null, first ${i} not null, last ${i} not null,
          position ${i} not null, length ${i} not null, primary key (stream, last)) ${end}`,
        sql`create table "streamTail" (stream ${t} not null, first ${i} not null, last ${i} not null,
          doc ${t} not null, primary key (stream, last)) ${end}`,
      ];
    },
  },
  {
    number: 2,
    name: 'index of modules, with facets',
    statements: ({ text, integer, clustered }) => {
      const t = sql.raw(text);
      const i = sql.raw(integer);
      const end = sql.raw(clustered);
      return [
        // Narrow rows under small numbers, so that counting a catalogue touches no document.
        sql`create table "moduleIndex" (number ${i} primary key, id ${t} not null unique,
          "titleKey" ${t} not null, trainable ${i} not null, valid ${i} not null, owner ${t} not null,
          visibility ${t} not null, "createdAt" ${i} not null, "updatedAt" ${i} not null)`,
        sql`create index "moduleIndex_titleKey" on "moduleIndex" ("titleKey", id)`,
        sql`create index "moduleIndex_createdAt" on "moduleIndex" ("createdAt", id)`,
        sql`create index "moduleIndex_updatedAt" on "moduleIndex" ("updatedAt", id)`,
        sql`create table "moduleFacets" (facet ${t} not null, "valueKey" ${t} not null,
          number ${i} not null, value ${t} not null, primary key (facet, "valueKey", number)) ${end}`,
        sql`create index "moduleFacets_number" on "moduleFacets" (number)`,
      ];
    },
  },
];
