import { sql, type RawBuilder } from 'kysely';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Column, Entities, Query, Table, TableName } from '../contract/table.ts';
import { hasColumn, orderExpression, typeOf } from './columns.ts';
import {
  anyOf,
  countedBranches,
  isNarrow,
  visibleBranches,
  visibleFilter,
  where,
  whereOf,
} from './conditions.ts';
import { boundsOf, head, orderBy, pageOf, readPage, windowOf } from './keyset.ts';
import type { KeyedRow, Order, Stretch } from './keyset.ts';
import type { Dialect, Session } from './session.ts';

type ParentRow = KeyedRow & { readonly parent: string };

/** The reading side of one entity's table. */
export class RelationalTable<T extends TableName> implements Table<T> {
  protected readonly name: T;
  protected readonly session: Session;
  protected readonly dialect: Dialect;

  constructor(name: T, session: Session, dialect: Dialect) {
    this.name = name;
    this.session = session;
    this.dialect = dialect;
  }

  async get(id: string): Promise<Entities[T] | null> {
    const rows = await this.session.query(
      sql<{ doc: string }>`select doc from ${sql.table(this.name)} where id = ${id}`,
    );
    return rows[0] === undefined ? null : this.#entity(rows[0]);
  }

  async getMany(ids: readonly string[]): Promise<readonly (Entities[T] | null)[]> {
    if (ids.length === 0) return [];
    const rows = await this.session.query(
      sql<{ id: string; doc: string }>`select t.id, t.doc from ${sql.table(this.name)} as t
        where ${anyOf(this.dialect, sql.ref('t.id'), [...new Set(ids)])}`,
    );
    const byId = new Map(rows.map((row) => [row.id, this.#entity(row)]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  async find(query: Query<T>): Promise<Entities[T] | null> {
    return (await this.list(query, 1))[0] ?? null;
  }

  async list(query: Query<T>, limit: number): Promise<readonly Entities[T][]> {
    if (limit < 1) return [];
    const rows = await this.#read(query, this.#order(query), head(limit));
    return rows.map((row) => this.#entity(row));
  }

  async page(query: Query<T>, page: PageRequest): Promise<Page<Entities[T]>> {
    const order = this.#order(query);
    return readPage(order, page, (stretch) => this.#read(query, order, stretch));
  }

  async count(query: Query<T>): Promise<number> {
    const conditions = whereOf(this.dialect, this.name, 't', query.where);
    const branches = isNarrow(query.where)
      ? null
      : countedBranches(this.dialect, this.name, 't', query.visibleTo);
    const counts = (branches ?? [null]).map((branch) => {
      const visible = branch === null ? this.#visible('t', query) : [branch];
      return sql`(select count(*) from ${sql.table(this.name)} as t
        ${where([...visible, ...conditions])})`;
    });
    const rows = await this.session.query(
      sql<{ count: number }>`select ${sql.join(counts, sql` + `)} as count`,
    );
    return rows[0]?.count ?? 0;
  }

  async pageEach(
    column: Column<T>,
    parents: readonly string[],
    query: Query<T>,
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Entities[T]>>> {
    const order = this.#order(query);
    const window = windowOf(order, page);
    const asked = [...new Set(parents)];
    const rows = await this.#readEach(column, asked, query, order, window.items);
    const before = await this.#readEach(column, asked, query, order, window.before);
    const behind = await this.#readEach(column, asked, query, order, window.behind);
    return new Map(
      asked.map((parent) => [
        parent,
        pageOf(order, window, rows.get(parent) ?? [], {
          before: before.has(parent),
          behind: behind.has(parent),
        }),
      ]),
    );
  }

  async countEach(
    column: Column<T>,
    parents: readonly string[],
    query: Query<T>,
  ): Promise<ReadonlyMap<string, number>> {
    const counts = new Map(parents.map((parent) => [parent, 0]));
    if (parents.length === 0) return counts;
    const ref = this.#ref('t', column);
    const rows = await this.session.query(
      sql<{ parent: string; count: number }>`select ${ref} as parent, count(*) as count
        from ${sql.table(this.name)} as t
        ${where([
          anyOf(this.dialect, ref, [...counts.keys()]),
          ...whereOf(this.dialect, this.name, 't', query.where),
          ...this.#visible('t', query),
        ])} group by ${ref}`,
    );
    for (const row of rows) counts.set(row.parent, row.count);
    return counts;
  }

  async countEachBy(
    column: Column<T>,
    parents: readonly string[],
    by: Column<T>,
    query: Query<T>,
  ): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
    const counts = new Map(parents.map((parent) => [parent, new Map<string, number>()]));
    if (parents.length === 0) return counts;
    const [ref, value] = [this.#ref('t', column), this.#ref('t', by)];
    const rows = await this.session.query(
      sql<{ parent: string; value: string | null; count: number }>`select ${ref} as parent,
        ${value} as value, count(*) as count from ${sql.table(this.name)} as t
        ${where([
          anyOf(this.dialect, ref, [...counts.keys()]),
          ...whereOf(this.dialect, this.name, 't', query.where),
          ...this.#visible('t', query),
        ])} group by ${ref}, ${value}`,
    );
    for (const row of rows) counts.get(row.parent)?.set(row.value ?? '', row.count);
    return counts;
  }

  #order(query: Query<T>): Order & { readonly column: string } {
    const column = query.orderBy?.column ?? 'createdAt';
    const direction = query.orderBy?.direction ?? 'DESC';
    this.#ref('t', column);
    return {
      name: `${this.name}.${column}.${direction}`,
      keyType: typeOf(column),
      direction,
      column,
    };
  }

  /**
   * Visibility is a union of stretches, each read in order from one index and cut to the limit, so that a page costs
   * the same at every depth and whoever asks; where a condition narrows the query already, a filter does.
   */
  async #read(
    query: Query<T>,
    order: Order & { readonly column: string },
    stretch: Stretch,
  ): Promise<readonly KeyedRow[]> {
    const branches = visibleBranches(this.name, 't', query.visibleTo);
    const conditions = whereOf(this.dialect, this.name, 't', query.where);
    if (branches === null || branches.length === 1 || isNarrow(query.where)) {
      const visible = branches?.length === 1 ? branches : this.#visible('t', query);
      const all = [...conditions, ...visible];
      return this.session.query(this.#stretch(sql`t.doc`, all, order, stretch));
    }
    const union = branches.map(
      (branch, number) =>
        sql`select * from (${this.#stretch(sql`''`, [branch, ...conditions], order, stretch)}) as ${sql.id(`b${number}`)}`,
    );
    const outer = sql`${orderExpression('t', order.column)}`;
    return this.session.query(
      sql<KeyedRow>`select t.id, ${outer} as key, t.doc from ${sql.table(this.name)} as t
        where t.id in (select u.id from (${sql.join(union, sql` union `)}) as u
          ${orderBy(order, stretch, sql.ref('u.key'), sql.ref('u.id'))} limit ${stretch.limit})
        ${orderBy(order, stretch, outer, sql.ref('t.id'))}`,
    );
  }

  #stretch(
    doc: RawBuilder<unknown>,
    conditions: readonly RawBuilder<unknown>[],
    order: Order & { readonly column: string },
    stretch: Stretch,
  ): RawBuilder<KeyedRow> {
    const key = orderExpression('t', order.column);
    const id = sql`${sql.ref('t.id')}`;
    return sql<KeyedRow>`select t.id, ${key} as key, ${doc} as doc from ${sql.table(this.name)} as t
      ${where([...conditions, ...boundsOf(order, stretch, key, id)])}
      ${orderBy(order, stretch, key, id)} limit ${stretch.limit}`;
  }

  /** One statement: for each parent the ids of its stretch, by index, then their documents. */
  async #readEach(
    column: Column<T>,
    parents: readonly string[],
    query: Query<T>,
    order: Order & { readonly column: string },
    stretch: Stretch | null,
  ): Promise<ReadonlyMap<string, readonly KeyedRow[]>> {
    const found = new Map<string, ParentRow[]>();
    if (stretch === null || parents.length === 0) return found;
    const inner = orderExpression('u', order.column);
    const outer = orderExpression('t', order.column);
    const conditions = [
      sql`${this.#ref('u', column)} = p.value`,
      ...whereOf(this.dialect, this.name, 'u', query.where),
      ...this.#visible('u', query),
      ...boundsOf(order, stretch, inner, sql.ref('u.id')),
    ];
    const rows = await this.session.query(
      sql<ParentRow>`select p.value as parent, t.id, ${outer} as key, t.doc
        from ${this.dialect.list(parents)} as p cross join ${sql.table(this.name)} as t
        where t.id in (select u.id from ${sql.table(this.name)} as u ${where(conditions)}
          ${orderBy(order, stretch, inner, sql.ref('u.id'))} limit ${stretch.limit})
        ${orderBy(order, stretch, outer, sql.ref('t.id'))}`,
    );
    for (const row of rows) {
      const list = found.get(row.parent);
      if (list === undefined) found.set(row.parent, [row]);
      else list.push(row);
    }
    return found;
  }

  #visible(alias: string, query: Query<T>): readonly RawBuilder<unknown>[] {
    return visibleFilter(this.dialect, this.name, alias, query.visibleTo);
  }

  #ref(alias: string, column: string): RawBuilder<unknown> {
    if (!hasColumn(this.name, column)) throw new TypeError(`${this.name} has no column ${column}.`);
    return sql`${sql.ref(`${alias}.${column}`)}`;
  }

  #entity(row: { readonly doc: string }): Entities[T] {
    return JSON.parse(row.doc) as Entities[T];
  }
}
