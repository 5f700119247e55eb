import { sql, type RawBuilder } from 'kysely';
import type { Module } from '../../domain/module.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { ModuleFacet, ModuleQuery, ModuleSearch } from '../contract/module-search.ts';
import { anyOf, visibleFilter, where } from './conditions.ts';
import { boundsOf, orderBy, readPage, type KeyedRow, type Order } from './keyset.ts';
import { fold, type ModuleWords } from './module-index.ts';
import type { Dialect, Session } from './session.ts';

/** The engine's full-text index over modules. */
export interface ModuleText {
  /** Replaces what is indexed of a module. */
  write(session: Session, id: string, words: ModuleWords): Promise<void>;
  /** A select of `id` and `rank` (greater is better) for modules that have all `words`, the last one by prefix. */
  match(words: readonly string[]): RawBuilder<unknown>;
}

/** More words than this narrow nothing that a person wants; they cost. */
const maximumWords = 16;

export class RelationalModuleSearch implements ModuleSearch {
  readonly #session: Session;
  readonly #dialect: Dialect;
  readonly #text: ModuleText;

  constructor(session: Session, dialect: Dialect, text: ModuleText) {
    this.#session = session;
    this.#dialect = dialect;
    this.#text = text;
  }

  page(query: ModuleQuery, page: PageRequest): Promise<Page<Module>> {
    const { order, key } = orderOf(query);
    return readPage(order, page, (stretch) => {
      const id = sql`${sql.ref('m.id')}`;
      const conditions = [...this.#conditions(query, null), ...boundsOf(order, stretch, key, id)];
      return this.#session.query(
        sql<KeyedRow>`${this.#found(query)} select m.id, ${key} as key, m.doc ${this.#from(query)}
          ${where(conditions)} ${orderBy(order, stretch, key, id)} limit ${stretch.limit}`,
      );
    });
  }

  async count(query: ModuleQuery): Promise<number> {
    const rows = await this.#session.query(
      sql<{ count: number }>`${this.#found(query)} select count(*) as count ${this.#from(query)}
        ${where(this.#conditions(query, null))}`,
    );
    return rows[0]?.count ?? 0;
  }

  async facets(
    query: ModuleQuery,
    facets: readonly ModuleFacet[],
    limit: number,
  ): Promise<
    ReadonlyMap<ModuleFacet, readonly { readonly value: string; readonly count: number }[]>
  > {
    const counted = new Map<ModuleFacet, { readonly value: string; readonly count: number }[]>();
    for (const facet of new Set(facets)) {
      const rows = await this.#session.query(
        sql<{ value: string; count: number }>`${this.#found(query)}
          select min(f.value) as value, count(*) as count ${this.#from(query)}
          join "moduleFacets" as f on f."moduleId" = m.id
          ${where([sql`f.facet = ${facet}`, ...this.#conditions(query, facet)])}
          group by f."valueKey" order by count(*) desc, f."valueKey" limit ${limit}`,
      );
      counted.set(
        facet,
        rows.map((row) => ({ value: row.value, count: row.count })),
      );
    }
    return counted;
  }

  /** The full-text matches, worked out once: a rank cannot be computed inside a join. */
  #found(query: ModuleQuery): RawBuilder<unknown> {
    const words = wordsIn(query);
    return words.length === 0
      ? sql``
      : sql`with found as materialized (${this.#text.match(words)})`;
  }

  #from(query: ModuleQuery): RawBuilder<unknown> {
    const all = sql`from modules as m join "moduleIndex" as x on x.id = m.id`;
    return wordsIn(query).length === 0 ? all : sql`${all} join found as r on r.id = m.id`;
  }

  #conditions(query: ModuleQuery, without: ModuleFacet | null): readonly RawBuilder<unknown>[] {
    const conditions = [...visibleFilter(this.#dialect, 'modules', 'm', query.visibleTo)];
    if (query.trainable !== null) conditions.push(sql`x.trainable = ${query.trainable ? 1 : 0}`);
    if (query.valid !== null) conditions.push(sql`x.valid = ${query.valid ? 1 : 0}`);
    // Something was asked for, but it has no letter and no digit: nothing has it.
    if (isSearch(query) && wordsIn(query).length === 0) conditions.push(sql`1 = 0`);
    for (const [facet, values] of Object.entries(query.facets)) {
      if (facet === without || values === undefined || values.length === 0) continue;
      conditions.push(
        sql`m.id in (select c."moduleId" from "moduleFacets" as c where c.facet = ${facet}
          and ${anyOf(this.#dialect, sql.ref('c.valueKey'), values.map(fold))})`,
      );
    }
    return conditions;
  }
}

function isSearch(query: ModuleQuery): boolean {
  return query.search !== null && query.search.trim() !== '';
}

/** The words of the search; every other sign separates, so no text is a query language's operator. */
function wordsIn(query: ModuleQuery): readonly string[] {
  if (query.search === null) return [];
  const words = query.search.normalize('NFC').match(/[\p{L}\p{N}\p{M}\p{Co}]+/gu) ?? [];
  return words.slice(0, maximumWords);
}

/** Best first is DESC. Without words there is no relevance: the order is then that of titles, a to z for DESC. */
function orderOf(query: ModuleQuery): { readonly order: Order; readonly key: RawBuilder<unknown> } {
  const { orderBy: by, direction } = query;
  const name = (key: string): string => `modules.search.${key}.${direction}`;
  if (by === 'CREATED' || by === 'UPDATED') {
    const column = by === 'CREATED' ? 'm.createdAt' : 'm.updatedAt';
    return {
      order: { name: name(column), keyType: 'integer', direction },
      key: sql`${sql.ref(column)}`,
    };
  }
  if (by === 'RELEVANCE' && wordsIn(query).length > 0) {
    return { order: { name: name('rank'), keyType: 'real', direction }, key: sql`r.rank` };
  }
  const titles = by === 'TITLE' ? direction : direction === 'ASC' ? 'DESC' : 'ASC';
  return {
    order: { name: `modules.search.title.${titles}`, keyType: 'text', direction: titles },
    key: sql`x."titleKey"`,
  };
}
