import { sql } from 'kysely';
import type { Module } from '../../domain/module.ts';
import type { ModuleFacet } from '../contract/module-search.ts';
import { nextNumber } from './idempotency.ts';
import type { Session, WriteSession } from './session.ts';

/** What is searched of a module, by weight; an engine's full-text index has these four columns. */
export interface ModuleWords {
  readonly title: string;
  readonly tags: string;
  readonly summary: string;
  readonly description: string;
}

/** Keeps the index rows of one module, in the transaction that writes it. Gives the module's number in the index. */
export async function indexModule(session: WriteSession, module: Module): Promise<number> {
  const number = await numberOf(session, module.id);
  const valid = module.findings.every((finding) => finding.severity !== 'ERROR');
  await session.send(
    sql`insert into "moduleIndex" (number, id, "titleKey", trainable, valid, owner, visibility,
        "createdAt", "updatedAt")
      values (${number}, ${module.id}, ${fold(module.title)}, ${module.trainable ? 1 : 0},
        ${valid ? 1 : 0}, ${module.owner}, ${module.visibility}, ${module.createdAt}, ${module.updatedAt})
      on conflict (id) do update set "titleKey" = excluded."titleKey",
        trainable = excluded.trainable, valid = excluded.valid, owner = excluded.owner,
        visibility = excluded.visibility, "createdAt" = excluded."createdAt",
        "updatedAt" = excluded."updatedAt"`,
  );
  await session.send(sql`delete from "moduleFacets" where number = ${number}`);
  for (const [facet, values] of Object.entries(facetValues(module))) {
    for (const value of values) {
      await session.send(
        sql`insert into "moduleFacets" (facet, "valueKey", number, value)
          values (${facet}, ${fold(value)}, ${number}, ${value}) on conflict do nothing`,
      );
    }
  }
  return number;
}

async function numberOf(session: Session, id: string): Promise<number> {
  const rows = await session.query(
    sql<{ number: number }>`select number from "moduleIndex" where id = ${id}`,
  );
  return rows[0]?.number ?? nextNumber(session, 'modules.number');
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
