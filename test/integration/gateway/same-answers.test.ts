import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences, graphsOf } from './differential.ts';
import type { Graphs, Sample } from './differential.ts';
import { errorFor, toys } from './toys.ts';

const samples: readonly Sample[] = [
  { name: 'one object', query: '{ module(id: "mod_0") { id title stage added } }' },
  {
    name: 'an object that is not there',
    query: '{ module(id: "mod_x") { id } run(id: "x") { id } }',
  },
  { name: 'nothing but typenames', query: '{ __typename module(id: "mod_0") { __typename } }' },
  { name: 'a root typename alone', query: '{ kind: __typename }' },
  { name: 'introspection', query: getIntrospectionQuery() },
  {
    name: 'introspection beside data',
    query:
      '{ __schema { queryType { name } } module(id: "mod_1") { title } __type(name: "Stage") { enumValues { name } } }',
  },
  {
    name: 'a page with children of two subgraphs',
    query: `query ($n: Int!) { modules(first: $n) { totalCount pageInfo { hasNextPage endCursor }
      nodes { id title runs(first: 2) { totalCount nodes { id state } } deployments { id } } } }`,
    variables: { n: 2 },
  },
  {
    name: 'from a stub to its owner, on to a third, and back',
    query: `{ runs(first: 2) { nodes { id number module { id title latest { id module { title } } deployments { module { title count } } } } } }`,
  },
  {
    name: 'a compound key, from two sides',
    query: `{ run(id: "run_0") { version { number digest url trained module { title } } }
      module(id: "mod_1") { versions { digest trained url } } }`,
  },
  {
    name: 'an interface whose members are in two subgraphs',
    query: `{ nodes(ids: ["mod_0", "run_1", "mod_x", "run_3"]) { id __typename
      ... on Module { title runs(first: 1) { nodes { id } } } ... on Run { state module { title } } } }`,
  },
  {
    name: 'an interface without its typename',
    query: '{ node(id: "run_1") { ... on Run { number } } other: node(id: "mod_1") { id } }',
  },
  {
    name: 'a union',
    query:
      '{ featured { __typename ... on Module { title count } ... on Collection { name modules { title deployments { id } } } } }',
  },
  {
    name: 'fragments, aliases and conditions',
    query: `query ($yes: Boolean!, $no: Boolean!) { a: module(id: "mod_0") { ...M ...N } b: module(id: "mod_1") { ...N ...M } }
      fragment M on Module { title also: title related @skip(if: $yes) { id } count @include(if: $yes) }
      fragment N on Module { count @include(if: $no) title deployments { id } related @include(if: $no) { title } }`,
    variables: { yes: true, no: false },
  },
  {
    name: 'merged selections of one field',
    query:
      '{ module(id: "mod_0") { latest { id } latest { state metrics { name } } ... on Module { latest { metrics { value } } } } }',
  },
  {
    name: 'nulls that are data',
    query:
      '{ module(id: "mod_0") { related { title } } run(id: "run_0") { metrics { name value } } echo }',
  },
  {
    name: 'an entity that its owner does not have',
    query: '{ run(id: "run_2") { id module { id count } } }',
  },
  {
    name: 'a required field of an entity that is not there',
    query: '{ run(id: "run_2") { id module { id title } } }',
  },
  {
    name: 'an unknown entity by interface',
    query: '{ node(id: "run_9") { id ... on Run { trouble } } }',
  },
  {
    name: 'a required field, likewise',
    query: '{ node(id: "run_9") { id ... on Run { number } } }',
  },
  { name: 'an error in a nullable field', query: '{ module(id: "mod_0") { title secret } }' },
  { name: 'errors in each of a list', query: '{ runs(first: 3) { nodes { id trouble } } }' },
  {
    name: 'an error that propagates',
    query: '{ runs(first: 4) { nodes { id must } } module(id: "mod_0") { title } }',
  },
  {
    name: 'an error that propagates to its entity',
    query: '{ node(id: "run_3") { id ... on Run { must } } }',
  },
  { name: 'an expected failure with its code', query: '{ sorry who }' },
  { name: 'an unexpected failure, masked', query: '{ broken who }' },
  { name: 'a required root field that fails', query: '{ who brokenRequired }' },
  {
    name: 'a reference that fails',
    query: '{ module(id: "mod_2") { title latest { id } deployments { id } } }',
  },
  {
    name: 'a reference that fails for a required field in a list',
    query: '{ nodes(ids: ["mod_2", "mod_1"]) { id ... on Module { count deployments { id } } } }',
  },
  {
    name: 'a default value',
    query: 'query ($s: Stage = DRAFT) { modules(first: 1, stage: $s) { totalCount } }',
  },
  ...[
    {},
    { by: {} },
    { by: { within: {} } },
    { by: { within: { most: 1, stages: 'PUBLISHED' } } },
    { by: { within: null, tags: 'one', since: '2026-01-02T03:04:05Z', ids: ['a', 1] } },
    { by: { tags: ['one', 'two'], ids: [['a'], [null]] }, list: 5 },
    { by: null, list: [1, 2] },
    { by: { tags: [null] } },
    { by: { within: { most: null } } },
    { by: { unknown: 1 } },
    { by: { since: 5 } },
    { list: [1.5] },
  ].map((variables): Sample => ({
    name: `input ${JSON.stringify(variables)}`,
    query: 'query ($by: Filter, $list: [Int!]) { filtered(by: $by, list: $list) }',
    variables,
  })),
  { name: 'a scalar that is refused in the document', query: '{ filtered(by: { since: 5 }) }' },
  {
    name: 'input written in the document',
    query:
      'query ($most: Int = 3, $tag: String!) { a: filtered(by: { within: { most: $most }, tags: [$tag] }) b: filtered(by: { within: {}, since: "2026-01-02T03:04:05Z", ids: "x" }, list: 4) c: filtered }',
    variables: { tag: 't' },
  },
  {
    name: 'a wrong variable',
    query: 'query ($n: Int!) { modules(first: $n) { totalCount } }',
    variables: { n: 'two' },
  },
  { name: 'a missing variable', query: 'query ($n: Int!) { modules(first: $n) { totalCount } }' },
  {
    name: 'a wrong enum',
    query: 'query ($s: Stage) { modules(first: 1, stage: $s) { totalCount } }',
    variables: { s: 'NOPE' },
  },
  {
    name: 'text beyond ASCII',
    query: 'query ($t: String) { echo(text: $t) }',
    variables: { t: 'Zoë \u2028 "q" \ud83d\ude00 \\' },
  },
  { name: 'the caller', query: '{ who }', headers: { authorization: 'Bearer token' } },
  {
    name: 'a caller who is refused',
    query: '{ who }',
    headers: { authorization: 'Bearer expired' },
  },
  {
    name: 'a mutation and what follows from it',
    query:
      'mutation ($i: Rename!) { rename(input: $i) { module { title count } userErrors } again: rename(input: $i) { userErrors } }',
    variables: { i: { id: 'mod_1', title: 'digits, renamed' } },
  },
  {
    name: 'a mutation that is refused',
    query: 'mutation { rename(input: { id: "mod_x", title: "" }) { module { id } userErrors } }',
  },
  {
    name: 'a subscription with joins',
    query: `subscription { runEvents(id: "run_1", after: 1, upTo: 4) { sequence run { state module { title } version { url } } } }`,
  },
  {
    name: 'a subscription with errors in its events',
    query: 'subscription { runEvents(id: "run_3", upTo: 2) { sequence run { id trouble } } }',
  },
  {
    name: 'a subscription whose events are null',
    query: 'subscription { runEvents(id: "run_3", upTo: 2) { run { must } } }',
  },
  { name: 'a subscription that does not begin', query: 'subscription { refused }' },
  {
    name: 'a subscription of one who is refused',
    query: 'subscription { ticks(upTo: 1) }',
    headers: { authorization: 'Bearer expired' },
  },
];

describe('merged, planned in process and planned remotely', () => {
  let graphs: Graphs;
  beforeAll(async () => {
    graphs = await graphsOf({ ...toys(), errorFor });
  });
  afterAll(() => graphs.close());

  it.each(samples)('give the same bytes for $name', async (sample) => {
    expect(await differences(graphs, [sample])).toEqual([]);
  });
});
