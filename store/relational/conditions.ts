import { sql, type RawBuilder } from 'kysely';
import type { Actor } from '../../domain/actor.ts';
import type { Condition, Scalar, TableName } from '../contract/table.ts';
import { hasColumn, toSql } from './columns.ts';
import type { Dialect } from './session.ts';

type Where = { readonly [column: string]: Condition | undefined };

/** The conditions of `where` over the table named `alias`. Throws TypeError for a column that the table has not. */
export function whereOf(
  dialect: Dialect,
  table: TableName,
  alias: string,
  where: object | undefined,
): readonly RawBuilder<unknown>[] {
  return Object.entries((where ?? {}) as Where).flatMap(([column, condition]) => {
    if (condition === undefined) return [];
    if (!hasColumn(table, column)) throw new TypeError(`${table} has no column ${column}.`);
    return [conditionOf(dialect, sql.ref(`${alias}.${column}`), condition)];
  });
}

/** Whether `where` pins a column to one value, so that few rows are left to look at. */
export function isNarrow(where: object | undefined): boolean {
  return Object.values((where ?? {}) as Where).some(
    (condition) => condition !== undefined && (condition === null || typeof condition !== 'object'),
  );
}

function conditionOf(
  dialect: Dialect,
  ref: RawBuilder<unknown>,
  condition: Condition,
): RawBuilder<unknown> {
  if (condition === null) return sql`${ref} is null`;
  if (typeof condition !== 'object') return sql`${ref} = ${toSql(condition)}`;
  if ('in' in condition) return within(condition.in);
  if ('notIn' in condition)
    return sql`not coalesce(${within(condition.notIn)}, ${sql.raw('1 = 0')})`;
  if ('atLeast' in condition) return sql`${ref} >= ${condition.atLeast}`;
  if ('contains' in condition) {
    const pattern = `%${condition.contains.replace(/[\\%_]/g, '\\$&')}%`;
    return sql`lower(${ref}) like lower(${pattern}) escape '\\'`;
  }
  return sql`${ref} < ${condition.below}`;

  function within(values: readonly Scalar[]): RawBuilder<unknown> {
    const present = values.filter((value) => value !== null).map(toSql);
    const isNull = present.length < values.length ? sql`${ref} is null` : null;
    if (present.length === 0) return isNull ?? sql.raw('1 = 0');
    const isIn = anyOf(dialect, ref, present);
    return isNull === null ? isIn : sql`(${isNull} or ${isIn})`;
  }
}

/** `ref in (…)`; the statement's text does not depend on how many values there are, so it is prepared once. */
export function anyOf(
  dialect: Dialect,
  ref: unknown,
  values: readonly (string | number | null)[],
): RawBuilder<unknown> {
  return sql`${ref} in (select p.value from ${dialect.list(values)} as p)`;
}

/**
 * What `actor` may see, as alternatives: a row is visible when any of them holds, and each can be answered in order
 * from one index. Null: everything. Throws TypeError for a table without an owner.
 */
export function visibleBranches(
  table: TableName,
  alias: string,
  actor: Actor | undefined,
): readonly RawBuilder<unknown>[] | null {
  if (actor === undefined || actor.system) return null;
  if (!hasColumn(table, 'owner')) throw new TypeError(`${table} has no owner to see it.`);
  const owner = sql.ref(`${alias}.owner`);
  const branches = ownersOf(actor).map((name) => sql`${owner} = ${name}`);
  if (hasColumn(table, 'visibility')) {
    branches.push(sql`${sql.ref(`${alias}.visibility`)} = ${'PUBLIC'}`);
  }
  return branches;
}

/** The same as alternatives that exclude each other, for counting. Null: everything. */
export function countedBranches(
  dialect: Dialect,
  table: TableName,
  alias: string,
  actor: Actor | undefined,
): readonly RawBuilder<unknown>[] | null {
  if (visibleBranches(table, alias, actor) === null || actor === undefined) return null;
  const owned = anyOf(dialect, sql.ref(`${alias}.owner`), ownersOf(actor));
  if (!hasColumn(table, 'visibility')) return [owned];
  return [owned, sql`${sql.ref(`${alias}.visibility`)} = ${'PUBLIC'} and not ${owned}`];
}

/** The same as one condition, for a query that another index narrows; `coalesce` keeps the planner off these two. */
export function visibleFilter(
  dialect: Dialect,
  table: TableName,
  alias: string,
  actor: Actor | undefined,
): readonly RawBuilder<unknown>[] {
  if (visibleBranches(table, alias, actor) === null || actor === undefined) return [];
  const owned = anyOf(dialect, sql`coalesce(${sql.ref(`${alias}.owner`)}, '')`, ownersOf(actor));
  if (!hasColumn(table, 'visibility')) return [owned];
  const visibility = sql`coalesce(${sql.ref(`${alias}.visibility`)}, '')`;
  return [sql`(${visibility} = ${'PUBLIC'} or ${owned})`];
}

function ownersOf(actor: Actor): readonly string[] {
  return [...new Set([actor.subject, ...actor.groups])];
}

/** ` where a and b`, or nothing. */
export function where(conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> {
  return conditions.length === 0 ? sql`` : sql`where ${sql.join(conditions, sql` and `)}`;
}
