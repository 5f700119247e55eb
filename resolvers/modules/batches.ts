import type { Noun } from '../../domain/ids.ts';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import type { PageRequest } from '../../domain/page.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { connection } from '../connection.ts';
import type { Batch } from '../context.ts';

export const moduleById: Batch<string, Module | null> = {
  load: (ids, { actor, services }) => services.modules.getMany(actor, ids),
};

export const moduleVersionById: Batch<string, ModuleVersion | null> = {
  load: (ids, { actor, services }) => services.modules.versionsMany(actor, ids),
};

/** Our own nouns whole, of the others their id: their owners know the rest. Compiled operations read the type off it. */
export const nodeById: Batch<string, { readonly id: string; readonly __typename: Noun } | null> = {
  load: async (ids, context) => {
    const stubs = await context.services.nodes.getMany(context.actor, ids);
    return Promise.all(
      stubs.map(async (stub) => {
        if (stub === null) return null;
        const { id, noun } = stub;
        const own =
          noun === 'Module' ? moduleById : noun === 'ModuleVersion' ? moduleVersionById : null;
        const found = own === null ? { id } : await context.load<string, object | null>(own, id);
        return found && { ...found, id, __typename: noun };
      }),
    );
  },
};

export interface ChildKey {
  readonly parent: string;
  readonly page: PageRequest;
}

const versionCount: Batch<string, number> = {
  load: async (ids, { actor, services }) => {
    const counts = await services.modules.versionCounts(actor, ids);
    return ids.map((id) => counts.get(id) ?? 0);
  },
};

const nothing = { items: [], hasNextPage: false, hasPreviousPage: false };

/** One call for each distinct page request, whatever the number of modules. */
export const versionsOfModule: Batch<ChildKey, Connection<ModuleVersion>> = {
  cacheKey: ({ parent, page }) => `${parent} ${JSON.stringify(page)}`,
  load: async (keys, context) => {
    const requests = Map.groupBy(keys, (key) => JSON.stringify(key.page));
    const pages = new Map(
      await Promise.all(
        [...requests].map(async ([name, group]) => {
          const parents = group.map((key) => key.parent);
          const { services, actor } = context;
          const found = await services.modules.versionsOf(actor, parents, group[0]?.page ?? {});
          return [name, found] as const;
        }),
      ),
    );
    return keys.map(({ parent, page }) =>
      connection(pages.get(JSON.stringify(page))?.get(parent) ?? nothing, () =>
        context.load(versionCount, parent),
      ),
    );
  },
};
