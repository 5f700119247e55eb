import { FathomError } from '../../domain/errors.ts';
import { nounOf } from '../../domain/ids.ts';
import type { ModuleFilter, ModulesArgs } from '../../schema/modules/module-list.ts';
import type { CatalogueQuery } from '../../services/modules/module-catalogue.ts';

const orders = {
  RELEVANCE: 'RELEVANCE',
  TITLE: 'TITLE',
  CREATED_AT: 'CREATED',
  UPDATED_AT: 'UPDATED',
} as const;

export const listLimits = Object.freeze({ searchLength: 500, filterValues: 50 });

export function catalogueQuery({ filter, search, orderBy }: ModulesArgs): CatalogueQuery {
  if ((search?.length ?? 0) > listLimits.searchLength) {
    throw new FathomError(
      'INVALID_ARGUMENT',
      `A search has at most ${listLimits.searchLength} characters.`,
      { path: ['search'] },
    );
  }
  return {
    search: search ?? null,
    facets: {
      TAG: values(filter, 'tags'),
      TASK: values(filter, 'tasks'),
      CATEGORY: values(filter, 'categories'),
      LIBRARY: values(filter, 'libraries'),
      DATA_TYPE: values(filter, 'dataTypes'),
      LICENCE: values(filter, 'licences'),
    },
    trainable: filter?.trainable ?? null,
    valid: filter?.valid ?? null,
    orderBy: orders[orderBy?.field ?? 'RELEVANCE'],
    direction: orderBy?.direction ?? 'DESC',
  };
}

function values(
  filter: ModuleFilter | null | undefined,
  name: Exclude<keyof ModuleFilter, 'trainable' | 'valid'>,
): readonly string[] {
  const given = filter?.[name] ?? [];
  if (given.length > listLimits.filterValues) {
    throw new FathomError(
      'INVALID_ARGUMENT',
      `A filter has at most ${listLimits.filterValues} values; ${name} has ${given.length}.`,
      { path: ['filter', name] },
    );
  }
  return given;
}

/** 1 to 100 values of each facet. */
export function facetLimit(limit: number): number {
  if (limit >= 1 && limit <= 100) return limit;
  throw new FathomError('INVALID_ARGUMENT', '`limit` is between 1 and 100.', { path: ['limit'] });
}

/** Refused one by one: a bad id in one field of an operation is no fault of the other fields. */
export function nodeId(id: string, path: readonly string[] = ['id']): string {
  if (nounOf(id) !== null) return id;
  const given = JSON.stringify(id.slice(0, 80));
  throw new FathomError('BAD_ID', `${given} is not an id.`, { path });
}

/** At most 100 at once. */
export function nodeIds(ids: readonly string[]): readonly string[] {
  if (ids.length > 100) {
    throw new FathomError('INVALID_ARGUMENT', 'At most 100 ids at once.', { path: ['ids'] });
  }
  return ids.map((id, index) => nodeId(id, ['ids', String(index)]));
}

/** Which of two ways to name a module was taken. */
export function moduleKey(
  id: string | null | undefined,
  slug: string | null | undefined,
): { readonly id: string } | { readonly slug: string } {
  if (id != null && slug == null) return { id };
  if (slug != null && id == null) return { slug };
  throw new FathomError('INVALID_ARGUMENT', 'Give exactly one of `id` and `slug`.', {
    path: ['id'],
  });
}
