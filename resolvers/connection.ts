import type { Page } from '../domain/page.ts';
import type { Connection } from '../schema/graph/connection.ts';

export function connection<T>(
  page: Page<T>,
  totalCount: () => Promise<number> | number,
): Connection<T> {
  return {
    edges: page.items,
    nodes: page.items.map((item) => item.node),
    pageInfo: {
      hasNextPage: page.hasNextPage,
      hasPreviousPage: page.hasPreviousPage,
      startCursor: page.items[0]?.cursor ?? null,
      endCursor: page.items.at(-1)?.cursor ?? null,
    },
    totalCount,
  };
}
