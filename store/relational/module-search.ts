import { sql, type RawBuilder } from 'kysely';
import type { Module } from '../../domain/module.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { ModuleFacet, ModuleQuery, ModuleSearch } from '../contract/module-search.ts';
import { anyOf, visibleFilter, where } from './conditions.ts';
import { boundsOf, orderBy, readPage, type KeyedRow, type Order } from './keyset.ts';
import { fold, type NumberedWords } from './module-index.ts';
import type { Dialect, Session, WriteSession } from './session.ts';

/** The engine's full-text index over modules. */
export interface ModuleText {
  /** Replaces what is indexed of these modules. */
  write(session: WriteSession, modules: readonly NumberedWords[]): Promise<void>;
  /**
   * A select of `number`, and `rank` (greater is better) when it is asked for, of the modules that have all `words`, the
   * last one by prefix. To rank costs more than to match.
   */
  match(words: readonly string[], isRanked: boolean): RawBuilder<unknown>;
}

interface FacetRow {
  readonly facet: ModuleFacet;
  readonly value: string;
  readonly count: number;
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
      const id = sql`${sql.ref('x.id')}`;
      const conditions = [...this.#conditions(query, null), ...boundsOf(order, stretch, key, id)];
      // Documents are fetched for the rows of the page alone.
      return this.#session.query(
        sql<KeyedRow>`${this.#found(query, query.orderBy === 'RELEVANCE')} select s.id, s.key, m.doc from (
            select x.id, ${key} as key ${this.#from(query)} ${where(conditions)}
            ${orderBy(order, stretch, key, id)} limit ${stretch.limit}
          ) as s join modules as m on m.id = s.id
          ${orderBy(order, stretch, sql.ref('s.key'), sql.ref('s.id'))}`,
      );
    });
  }

  async count(query: ModuleQuery): Promise<number> {
    const rows = await this.#session.query(
      sql<{
        count: number;
      }>`${this.#found(query, false)} select count(*) as count ${this.#from(query)}
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
    const asked = [...new Set(facets)];
    const isChosen = (facet: ModuleFacet): boolean => (query.facets[facet] ?? []).length > 0;
    const rows: FacetRow[] = [];
    // One reading serves all but those whose own choice is left out.
    const others = asked.filter((facet) => !isChosen(facet));
    if (others.length > 0) rows.push(...(await this.#counted(query, others, null, limit)));
    for (const facet of asked.filter(isChosen)) {
      rows.push(...(await this.#counted(query, [facet], facet, limit)));
    }
    const byFacet = Map.groupBy(rows, (row) => row.facet);
    return new Map(
      asked.map((facet) => [
        facet,
        (byFacet.get(facet) ?? []).map(({ value, count }) => ({ value, count })),
      ]),
    );
  }

  #counted(
    query: ModuleQuery,
    facets: readonly ModuleFacet[],
    without: ModuleFacet | null,
    limit: number,
  ): Promise<readonly FacetRow[]> {
    const isSearched = wordsIn(query).length > 0;
    return this.#session.query(
      sql<FacetRow>`${this.#found(query, false)} select c.facet, c.value, c.count from (
          select f.facet, min(f.value) as value, count(*) as count, row_number() over (
            partition by f.facet order by count(*) desc, f."valueKey") as place
          ${this.#from(query)} ${sql.raw(isSearched ? 'cross join' : ',')} "moduleFacets" as f
          ${where([
            sql`f.number = x.number`,
            anyOf(this.#dialect, sql.ref('f.facet'), facets),
            ...this.#conditions(query, without),
          ])}
          group by f.facet, f."valueKey"
        ) as c where c.place <= ${limit} order by c.facet, c.place`,
    );
  }

  /** The full-text matches, worked out once: a rank cannot be computed inside a join. */
  #found(query: ModuleQuery, isRanked: boolean): RawBuilder<unknown> {
    const words = wordsIn(query);
    if (words.length === 0) return sql``;
    return sql`with found as materialized (${this.#text.match(words, isRanked)})`;
  }

  /** Matches come first: `cross join` keeps SQLite from looking each module up among them. */
  #from(query: ModuleQuery): RawBuilder<unknown> {
    return wordsIn(query).length === 0
      ? sql`from "moduleIndex" as x`
      : sql`from found as r cross join "moduleIndex" as x`;
  }

  #conditions(query: ModuleQuery, without: ModuleFacet | null): readonly RawBuilder<unknown>[] {
    const conditions = [...visibleFilter(this.#dialect, 'modules', 'x', query.visibleTo)];
    if (wordsIn(query).length > 0) conditions.push(sql`x.number = r.number`);
    if (query.trainable !== null) conditions.push(sql`x.trainable = ${query.trainable ? 1 : 0}`);
    if (query.valid !== null) conditions.push(sql`x.valid = ${query.valid ? 1 : 0}`);
    // Something was asked for, but it has no letter and no digit: nothing has it.
    if (isSearch(query) && wordsIn(query).length === 0) conditions.push(sql`1 = 0`);
    for (const [facet, values] of Object.entries(query.facets)) {
      if (facet === without || values === undefined || values.length === 0) continue;
      conditions.push(
        sql`x.number in (select c.number from "moduleFacets" as c where c.facet = ${facet}
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
    const column = by === 'CREATED' ? 'x.createdAt' : 'x.updatedAt';
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
