import type { Pool } from 'pg';
import type { Module } from '../domain/module.ts';
import { labelsOf, searchedModule } from './search-modules.ts';

export interface Found {
  readonly count: number;
  readonly slugs: readonly string[];
  /** All values of one facet that every module has once. */
  readonly licences: number;
}

/** The same rows as somebody would keep them who has PostgreSQL and nothing else. */
export async function fillPlain(pool: Pool, modules: number): Promise<void> {
  await pool.query(`create table plain (slug text primary key, doc text not null,
    facets text[] not null, words tsvector not null)`);
  for (let from = 0; from < modules; from += 1_000) {
    const count = Math.min(1_000, modules - from);
    const some = Array.from({ length: count }, (_, at) => searchedModule(from + at));
    await pool.query(
      `insert into plain
        select slug, doc, array(select jsonb_array_elements_text(facets::jsonb)),
          setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', labels), 'B')
          || setweight(to_tsvector('simple', summary), 'C')
          || setweight(to_tsvector('simple', description), 'D')
        from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
          as r(slug, doc, facets, title, labels, summary, description)`,
      [
        some.map(({ slug }) => slug),
        some.map((one) => JSON.stringify(one)),
        some.map((one) => JSON.stringify(facetsOf(one))),
        some.map(({ title }) => title),
        // The parser takes a name with a hyphen for one word more.
        some.map((one) => labelsOf(one).replaceAll('-', ' ')),
        some.map(({ summary }) => summary),
        some.map(({ description }) => description),
      ],
    );
  }
  await pool.query('create index plain_words on plain using gin (words) with (fastupdate = off)');
}

function facetsOf(module: Module): readonly string[] {
  return [
    ...new Set(module.tags.map((value) => `TAG:${value}`)),
    ...module.tasks.map((value) => `TASK:${value}`),
    ...module.categories.map((value) => `CATEGORY:${value}`),
    ...module.libraries.map((value) => `LIBRARY:${value}`),
    ...module.dataTypes.map((value) => `DATA_TYPE:${value}`),
    `LICENCE:${module.licence}`,
  ];
}

/** All of it in one statement, which matches once. */
export async function searchPlain(
  pool: Pool,
  words: string,
  hits: number,
  facetLimit: number,
): Promise<Found> {
  const { rows } = await pool.query<{
    count: number;
    docs: readonly string[];
    facets: readonly { readonly facet: string; readonly count: number }[];
  }>({
    name: 'search-plain',
    text: `with found as materialized (
        select slug, facets, ts_rank(words, $1::tsquery) as rank from plain where words @@ $1::tsquery),
      counted as (
        select facet, count(*)::int as count,
          row_number() over (partition by split_part(facet, ':', 1) order by count(*) desc, facet) as place
        from found, unnest(facets) as facet group by facet)
      select (select count(*)::int from found) as count,
        array(select p.doc from (select slug, rank from found order by rank desc, slug limit $2) as best
          join plain as p on p.slug = best.slug order by best.rank desc, best.slug) as docs,
        (select json_agg(json_build_object('facet', facet, 'count', count)) from counted
          where place <= $3) as facets`,
    values: [`${words.split(' ').join(' & ')}:*`, hits, facetLimit],
  });
  const [found] = rows;
  if (found === undefined) throw new Error('A statement without a row.');
  return {
    count: found.count,
    slugs: found.docs.map((doc) => (JSON.parse(doc) as Module).slug),
    licences: found.facets
      .filter(({ facet }) => facet.startsWith('LICENCE:'))
      .reduce((sum, { count }) => sum + count, 0),
  };
}
