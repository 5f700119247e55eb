import { afterAll, beforeAll, expect, it } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { FathomError } from '../../../domain/errors.ts';
import { buildSubgraph } from '../../../gateway/type-graphql.ts';
import { createContext } from '../../../resolvers/context.ts';
import { modulesSubgraph } from '../../../resolvers/modules/subgraph.ts';
import { differences, type Graphs, graphsOf } from '../gateway/differential.ts';
import { metadata, Shelf } from './shelf.ts';

let shelf: Shelf;
let graphs: Graphs;
beforeAll(async () => {
  shelf = await Shelf.create();
  for (let n = 0; n < 6; n += 1) {
    await shelf.put(`m-${n}`, metadata({ title: `Module ${n}`, tags: [`t${n % 2}`] }));
  }
  await shelf.put('faulty', metadata({ tasks: ['Guessing'] }));
  await shelf.catalogue.refresh(localOwner);
  graphs = await graphsOf({
    subgraphs: [buildSubgraph(modulesSubgraph)],
    contextFor: ({ requestId }) => createContext(localOwner, requestId, shelf.services),
    errorFor: (error) => {
      if (!(error instanceof FathomError)) throw error;
      return { message: error.message, code: error.code, retryable: false, retryAfterMs: null };
    },
  });
});
afterAll(async () => {
  await graphs.close();
  await shelf.destroy();
});

const list = `query ($first: Int, $search: String, $filter: ModuleFilter, $orderBy: ModuleOrder, $names: [ModuleFacet!]) {
  modules(first: $first, search: $search, filter: $filter, orderBy: $orderBy) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id slug title valid findings { severity pointer message } links { rel href } metadata createdAt } }
    nodes { latestVersion { name digest sample { arguments } resources { inference { cpus memoryMiB gpus { count } } } module { slug } }
      versions(first: 2) { totalCount nodes { id } } }
    facets(names: $names, limit: 5) { facet values { value count } } } }`;

it('the catalogue gives the same bytes merged, planned and over real processes', async () => {
  const samples = [
    { name: 'list', variables: { first: 3 } },
    { name: 'search', variables: { first: 10, search: 'modul', names: ['TAG'] } },
    { name: 'filter', variables: { first: 10, filter: { tags: ['T1'], valid: true } } },
    { name: 'order', variables: { first: 10, orderBy: { field: 'TITLE', direction: 'ASC' } } },
    { name: 'refused size', variables: { first: 1000 } },
    { name: 'no size', variables: {} },
    { name: 'unknown facet', variables: { first: 1, names: ['COLOUR'] } },
  ].map((sample) => ({ ...sample, query: list }));
  const others = [
    '{ module(slug: "faulty") { valid findings { message } metadataFormat } }',
    '{ module(id: "junk") { id } other: module(slug: "m-1") { slug } }',
    '{ moduleVersion(id: "mver_01K00000000000000000000000") { id } }',
    'mutation { refreshCatalogue(input: { slugs: ["m-1", "ghost"] }) { refresh { seen changed problems } userErrors { code } } }',
  ].map((query) => ({ name: query, query }));
  expect(await differences(graphs, [...samples, ...others])).toEqual([]);
  const answer = await graphs.answerOf('merged', { name: 'one', query: others[1]?.query ?? '' });
  expect(JSON.parse(answer)).toMatchObject({
    errors: [{ path: ['module'], extensions: { code: 'BAD_ID' } }],
    data: { module: null, other: { slug: 'm-1' } },
  });
});
