import { sql, type RawBuilder } from 'kysely';
import type { Dialect, SqlValue } from '../relational/session.ts';

/** Text compares by bytes, as in the embedded engine, whatever the database's language. */
export const postgresDialect: Dialect = {
  isFar: true,
  text: 'text collate "C"',
  integer: 'bigint',
  real: 'double precision',
  clustered: '',
  list: (values) => sql`(select unnest(${literal(values)}::${sql.raw(typeOf(values))}[]) as value)`,
  rows: (columns, rows) => {
    const values = columns.map(
      ({ type }, at) =>
        sql`${literal(rows.map((row) => row[at] ?? null))}::${sql.raw(arrayTypes[type])}[]`,
    );
    const names = columns.map(({ name }) => sql.ref(name));
    return sql`(select * from unnest(${sql.join(values)}) as r(${sql.join(names)}))`;
  },
  columnsOf: (table) =>
    sql<{ name: string }>`select a.attname::text as name from pg_attribute as a
      where a.attrelid = to_regclass(${quoted(table)}) and a.attnum > 0 and not a.attisdropped`,
  indexesOf: (table) =>
    sql<{ name: string }>`select c.relname::text as name from pg_index as i
      join pg_class as c on c.oid = i.indexrelid where i.indrelid = to_regclass(${quoted(table)})`,
  lockRows: sql`for update`,
};

const arrayTypes = { text: 'text', integer: 'bigint', real: 'double precision' } as const;

/** A name as `to_regclass` reads it: looked up in the schema of this connection, upper case kept. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** One parameter however many values there are, so that a statement is prepared once. */
function literal(values: readonly SqlValue[]): RawBuilder<unknown> {
  const items = values.map((value) =>
    value === null ? 'null' : `"${String(value).replace(/["\\]/g, '\\$&')}"`,
  );
  return sql`${`{${items.join(',')}}`}`;
}

function typeOf(values: readonly SqlValue[]): 'text' | 'bigint' | 'double precision' {
  const present = values.filter((value) => value !== null);
  if (present.length === 0 || present.some((value) => typeof value === 'string')) return 'text';
  return present.every((value) => Number.isSafeInteger(value)) ? 'bigint' : 'double precision';
}
