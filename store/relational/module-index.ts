import { sql } from 'kysely';
import type { Module } from '../../domain/module.ts';
import type { ModuleFacet } from '../contract/module-search.ts';
import type { Session } from './session.ts';

/** What is searched of a module, by weight; an engine's full-text index has these four columns. */
export interface ModuleWords {
  readonly title: string;
  readonly tags: string;
  readonly summary: string;
  readonly description: string;
}

/** Keeps the catalogue's index rows of one module; in the transaction that writes the module. */
export async function indexModule(session: Session, module: Module): Promise<void> {
  const valid = module.findings.every((finding) => finding.severity !== 'ERROR');
  await session.query(
    sql`insert into "moduleIndex" (id, "titleKey", trainable, valid)
      values (${module.id}, ${fold(module.title)}, ${module.trainable ? 1 : 0}, ${valid ? 1 : 0})
      on conflict (id) do update set "titleKey" = excluded."titleKey",
        trainable = excluded.trainable, valid = excluded.valid`,
  );
  await session.query(sql`delete from "moduleFacets" where "moduleId" = ${module.id}`);
  for (const [facet, values] of Object.entries(facetValues(module))) {
    for (const value of values) {
      await session.query(
        sql`insert into "moduleFacets" ("moduleId", facet, "valueKey", value)
          values (${module.id}, ${facet}, ${fold(value)}, ${value}) on conflict do nothing`,
      );
    }
  }
}

export function wordsOf(module: Module): ModuleWords {
  const labels = [
    module.slug,
    ...module.tags,
    ...module.tasks,
    ...module.categories,
    ...module.libraries,
    ...module.dataTypes,
  ];
  return {
    title: module.title,
    tags: labels.join(' '),
    summary: module.summary,
    description: module.description,
  };
}

/** Compared without case, and in one normal form. */
export function fold(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase();
}

function facetValues(module: Module): { readonly [F in ModuleFacet]: readonly string[] } {
  return {
    TAG: module.tags,
    TASK: module.tasks,
    CATEGORY: module.categories,
    LIBRARY: module.libraries,
    DATA_TYPE: module.dataTypes,
    LICENCE: module.licence === null ? [] : [module.licence],
  };
}
