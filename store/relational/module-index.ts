import { sql } from 'kysely';
import type { Module } from '../../domain/module.ts';
import type { ModuleFacet } from '../contract/module-search.ts';
import { anyOf } from './conditions.ts';
import { nextNumbers } from './idempotency.ts';
import type { Dialect, Session, WriteSession } from './session.ts';

/** What is searched of a module, by weight; an engine's full-text index has these four columns. */
export interface ModuleWords {
  readonly title: string;
  readonly tags: string;
  readonly summary: string;
  readonly description: string;
}

/** The words of the module that has this number in the index. */
export interface NumberedWords {
  readonly number: number;
  readonly words: ModuleWords;
}

/** Keeps the index rows of modules, each named once, in the transaction that writes them. Gives what to search of each. */
export async function indexModules(
  session: WriteSession,
  dialect: Dialect,
  modules: readonly Module[],
): Promise<readonly NumberedWords[]> {
  const numbered = await withNumbers(session, dialect, modules);
  const columns = sql.join(indexColumns.map(({ name }) => sql.ref(name)));
  await session.send(
    sql`insert into "moduleIndex" (${columns})
      select ${columns} from ${dialect.rows(indexColumns, numbered.map(indexRow))} as r where true
      on conflict (id) do update set "titleKey" = excluded."titleKey",
        trainable = excluded.trainable, valid = excluded.valid, owner = excluded.owner,
        visibility = excluded.visibility, "createdAt" = excluded."createdAt",
        "updatedAt" = excluded."updatedAt"`,
  );
  const numbers = numbered.map(({ number }) => number);
  await session.send(
    sql`delete from "moduleFacets" where ${anyOf(dialect, sql.ref('number'), numbers)}`,
  );
  const facets = numbered.flatMap(facetRows);
  if (facets.length > 0) {
    await session.send(
      sql`insert into "moduleFacets" (facet, "valueKey", number, value)
        select facet, "valueKey", number, value from ${dialect.rows(facetColumns, facets)} as r
        where true on conflict do nothing`,
    );
  }
  return numbered.map(({ module, number }) => ({ number, words: wordsOf(module) }));
}

interface Numbered {
  readonly module: Module;
  readonly number: number;
}

const indexColumns = [
  { name: 'number', type: 'integer' },
  { name: 'id', type: 'text' },
  { name: 'titleKey', type: 'text' },
  { name: 'trainable', type: 'integer' },
  { name: 'valid', type: 'integer' },
  { name: 'owner', type: 'text' },
  { name: 'visibility', type: 'text' },
  { name: 'createdAt', type: 'integer' },
  { name: 'updatedAt', type: 'integer' },
] as const;

function indexRow({ module, number }: Numbered): readonly (string | number)[] {
  const valid = module.findings.every((finding) => finding.severity !== 'ERROR');
  return [
    number,
    module.id,
    fold(module.title),
    module.trainable ? 1 : 0,
    valid ? 1 : 0,
    module.owner,
    module.visibility,
    module.createdAt,
    module.updatedAt,
  ];
}

const facetColumns = [
  { name: 'facet', type: 'text' },
  { name: 'valueKey', type: 'text' },
  { name: 'number', type: 'integer' },
  { name: 'value', type: 'text' },
] as const;

function facetRows({ module, number }: Numbered): readonly (readonly (string | number)[])[] {
  return Object.entries(facetValues(module)).flatMap(([facet, values]) =>
    values.map((value) => [facet, fold(value), number, value]),
  );
}

/** A module keeps its number; new ones take the next, all at once. */
async function withNumbers(
  session: Session,
  dialect: Dialect,
  modules: readonly Module[],
): Promise<readonly Numbered[]> {
  const ids = modules.map(({ id }) => id);
  const rows = await session.query(
    sql<{ id: string; number: number }>`select id, number from "moduleIndex"
      where ${anyOf(dialect, sql.ref('id'), ids)}`,
  );
  const known = new Map(rows.map(({ id, number }) => [id, number]));
  const added = modules.length - known.size;
  let next = added === 0 ? 0 : await nextNumbers(session, 'modules.number', added);
  return modules.map((module) => ({ module, number: known.get(module.id) ?? next++ }));
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
