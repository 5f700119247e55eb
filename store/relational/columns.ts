import { sql, type RawBuilder } from 'kysely';
import type { Entities, TableName } from '../contract/table.ts';
import { tableColumns } from '../contract/table.ts';
import type { Dialect, SqlValue } from './session.ts';

/** Columns that are not text. Every other column of `tableColumns` is. */
const numericColumns: Readonly<Record<string, 'integer' | 'real'>> = {
  createdAt: 'integer',
  updatedAt: 'integer',
  expiresAt: 'integer',
  number: 'integer',
  sweepNumber: 'integer',
  seed: 'integer',
  testFraction: 'real',
};

/** Columns that may be null; they sort as the empty text, so that engines agree. */
const nullableColumns: ReadonlySet<string> = new Set([
  'backend',
  'artifactId',
  'format',
  'sweepId',
]);

export const tableNames = Object.keys(tableColumns) as TableName[];

/** Every column beside `doc` and `version`, `id` and `createdAt` first. */
export function columnsOf(table: TableName): readonly string[] {
  return ['id', 'createdAt', ...tableColumns[table].columns];
}

export function hasColumn(table: TableName, column: string): boolean {
  return columnsOf(table).includes(column);
}

export function uniqueSetsOf(table: TableName): readonly (readonly string[])[] {
  return tableColumns[table].unique;
}

export function typeOf(column: string): 'text' | 'integer' | 'real' {
  return numericColumns[column] ?? 'text';
}

/** What an `order by` compares: the column, or the empty text where it may be null. */
export function orderExpression(alias: string, column: string): RawBuilder<unknown> {
  const ref = sql.ref(`${alias}.${column}`);
  return nullableColumns.has(column) ? sql`coalesce(${ref}, '')` : sql`${ref}`;
}

/** The value of a column, taken from an entity. */
export function columnValue(entity: Entities[TableName], column: string): SqlValue {
  return toSql((entity as unknown as Readonly<Record<string, unknown>>)[column]);
}

export function toSql(value: unknown): SqlValue {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new TypeError(`A ${typeof value} cannot be a column.`);
}

/** The definition of an entity's table. */
export function tableStatement(table: TableName, dialect: Dialect): RawBuilder<unknown> {
  const columns = columnsOf(table)
    .filter((column) => column !== 'id')
    .map((column) => sql`${sql.ref(column)} ${sql.raw(dialect[typeOf(column)])}`);
  return sql`create table ${sql.table(table)} (id ${sql.raw(dialect.text)} primary key,
    version ${sql.raw(dialect.integer)} not null, doc ${sql.raw(dialect.text)} not null,
    ${sql.join(columns)})`;
}

interface Index {
  readonly name: string;
  readonly statement: RawBuilder<unknown>;
}

/**
 * A text column is mostly asked for by equality and listed by creation, so `createdAt` follows it in the index; a number
 * is mostly sorted by, with the id as tie-break.
 */
export function indexesOf(table: TableName): readonly Index[] {
  const statements: Index[] = [];
  for (const column of columnsOf(table)) {
    if (column === 'id' || column === 'sweepNumber') continue;
    const rest = typeOf(column) === 'text' ? ['createdAt', 'id'] : ['id'];
    statements.push(index(table, false, [column, ...rest]));
  }
  // What a person sees is listed by creation or by update, and counted: see `visibleBranches`.
  if (hasColumn(table, 'visibility')) {
    statements.push(index(table, false, ['visibility', 'owner']));
    if (hasColumn(table, 'state')) {
      statements.push(index(table, false, ['state', 'owner', 'visibility']));
    }
    if (hasColumn(table, 'updatedAt')) {
      statements.push(index(table, false, ['owner', 'updatedAt', 'id']));
      statements.push(index(table, false, ['visibility', 'updatedAt', 'id']));
    }
  }
  // The runs of a sweep are counted by state, and walked by their number in it: see the unique set.
  if (hasColumn(table, 'sweepId')) statements.push(index(table, false, ['sweepId', 'state']));
  for (const columns of uniqueSetsOf(table)) statements.push(index(table, true, columns));
  return statements;
}

function index(table: TableName, unique: boolean, columns: readonly string[]): Index {
  const name = `${table}_${unique ? 'unique_' : ''}${columns.join('_')}`;
  const statement = sql`create ${sql.raw(unique ? 'unique ' : '')}index ${sql.id(name)}
    on ${sql.table(table)} (${sql.join(columns.map((column) => sql.ref(column)))})`;
  return { name, statement };
}
