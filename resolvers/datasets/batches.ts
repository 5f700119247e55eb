import type { Dataset, DatasetVersion, Split, Upload } from '../../domain/dataset.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { connection } from '../connection.ts';
import type { Batch, GraphContext } from '../context.ts';

export const datasetById: Batch<string, Dataset | null> = {
  load: (ids, { actor, services }) => services.datasets.byId(actor, ids),
};

export const versionById: Batch<string, DatasetVersion | null> = {
  load: (ids, { actor, services }) => services.datasets.versionsById(actor, ids),
};

export const splitById: Batch<string, Split | null> = {
  load: (ids, { actor, services }) => services.datasets.splitsById(actor, ids),
};

export const uploadById: Batch<string, Upload | null> = {
  load: (ids, { actor, services }) => services.datasets.uploads.byId(actor, ids),
};

export const versionsOfDataset = children<DatasetVersion>({
  pages: ({ actor, services }, parents, page) =>
    services.datasets.versionPages(actor, parents, page),
  counts: ({ actor, services }, parents) => services.datasets.versionCounts(actor, parents),
});

export const uploadsOfDataset = children<Upload>({
  pages: ({ actor, services }, parents, page) =>
    services.datasets.uploads.pages(actor, parents, page),
  counts: ({ actor, services }, parents) => services.datasets.uploads.counts(actor, parents),
});

export const splitsOfVersion = children<Split>({
  pages: ({ actor, services }, parents, page) => services.datasets.splitPages(actor, parents, page),
  counts: ({ actor, services }, parents) => services.datasets.splitCounts(actor, parents),
});

export interface ChildKey {
  readonly parent: string;
  readonly page: PageRequest;
}

const nothing = { items: [], hasNextPage: false, hasPreviousPage: false };

/** One call for each distinct page request and one for all counts, whatever the number of parents. */
function children<T>(source: {
  readonly pages: (
    context: GraphContext,
    parents: readonly string[],
    page: PageRequest,
  ) => Promise<ReadonlyMap<string, Page<T>>>;
  readonly counts: (
    context: GraphContext,
    parents: readonly string[],
  ) => Promise<ReadonlyMap<string, number>>;
}): Batch<ChildKey, Connection<T>> {
  const count: Batch<string, number> = {
    async load(parents, context) {
      const counts = await source.counts(context, parents);
      return parents.map((parent) => counts.get(parent) ?? 0);
    },
  };
  return {
    cacheKey: ({ parent, page }) => `${parent} ${JSON.stringify(page)}`,
    async load(keys, context) {
      const pages = new Map<string, Promise<ReadonlyMap<string, Page<T>>>>();
      for (const [name, group] of Map.groupBy(keys, ({ page }) => JSON.stringify(page))) {
        const parents = group.map(({ parent }) => parent);
        pages.set(name, source.pages(context, parents, group[0]?.page ?? {}));
      }
      return Promise.all(
        keys.map(async ({ parent, page }) => {
          const found = (await pages.get(JSON.stringify(page)))?.get(parent);
          return connection(found ?? nothing, () => context.load(count, parent));
        }),
      );
    },
  };
}
