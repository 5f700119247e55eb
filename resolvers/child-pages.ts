import type { Page, PageRequest } from '../domain/page.ts';
import type { Connection } from '../schema/graph/connection.ts';
import { connection } from './connection.ts';
import type { Batch, GraphContext } from './context.ts';

/** A list below one of many parents. */
export interface ChildKey {
  readonly parent: string;
  readonly page: PageRequest;
}

export interface ChildSource<T> {
  pages(
    context: GraphContext,
    parents: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<T>>>;
  counts(context: GraphContext, parents: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** The lists of many parents: one call for each distinct page request, and one for the counts if they are asked for. */
export function childPages<T>(source: ChildSource<T>): Batch<ChildKey, Connection<T>> {
  const count: Batch<string, number> = {
    load: async (parents, context) => {
      const counts = await source.counts(context, parents);
      return parents.map((parent) => counts.get(parent) ?? 0);
    },
  };
  return {
    cacheKey: ({ parent, page }) => `${parent} ${JSON.stringify(page)}`,
    load: async (keys, context) => {
      const groups = Map.groupBy(keys, ({ page }) => JSON.stringify(page));
      const found = new Map(
        await Promise.all(
          [...groups].map(async ([name, group]) => {
            const parents = group.map(({ parent }) => parent);
            return [name, await source.pages(context, parents, group[0]?.page ?? {})] as const;
          }),
        ),
      );
      return keys.map(({ parent, page }) =>
        connection(found.get(JSON.stringify(page))?.get(parent) ?? nothing, () =>
          context.load(count, parent),
        ),
      );
    },
  };
}

const nothing = { items: [], hasNextPage: false, hasPreviousPage: false };
