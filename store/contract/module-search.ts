import type { Actor } from '../../domain/actor.ts';
import type { Module } from '../../domain/module.ts';
import type { Page, PageRequest } from '../../domain/page.ts';

/** Facets that modules are counted by. */
export const moduleFacets = ['TAG', 'TASK', 'CATEGORY', 'LIBRARY', 'DATA_TYPE', 'LICENCE'] as const;
export type ModuleFacet = (typeof moduleFacets)[number];

/** Values within a facet are alternatives; facets narrow each other. Compared without case. */
export interface ModuleQuery {
  /** Words; a trailing part of a word matches by prefix. Ranked: title over tags over summary over description. */
  readonly search: string | null;
  readonly facets: { readonly [F in ModuleFacet]?: readonly string[] };
  readonly trainable: boolean | null;
  /** Whether the metadata has no finding of severity ERROR. */
  readonly valid: boolean | null;
  readonly orderBy: 'RELEVANCE' | 'TITLE' | 'CREATED' | 'UPDATED';
  readonly direction: 'ASC' | 'DESC';
  readonly visibleTo: Actor;
}

/** The catalogue's index; kept by the store in the transaction that writes a module. */
export interface ModuleSearch {
  page(query: ModuleQuery, page: PageRequest): Promise<Page<Module>>;
  count(query: ModuleQuery): Promise<number>;
  /** Counts of each value within the query, the facet's own choice left out, most frequent first, at most `limit` a facet. */
  facets(
    query: ModuleQuery,
    facets: readonly ModuleFacet[],
    limit: number,
  ): Promise<
    ReadonlyMap<ModuleFacet, readonly { readonly value: string; readonly count: number }[]>
  >;
}
