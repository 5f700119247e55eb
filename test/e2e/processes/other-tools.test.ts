import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation';
import { federateSubgraphs } from '@wundergraph/composition';
import { buildSchema, graphql, isObjectType, parse, print } from 'graphql';
import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bring } from '../thread/installation.ts';
import { ProcessGroup, type SubgraphName, subgraphs } from './process-group.ts';
import * as iris from '../../../modules/data/iris.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const snapshots = resolve(import.meta.dirname, '..', '..', '..', 'schema', 'snapshots');
const sdlOf = (name: string): Promise<string> =>
  readFile(join(snapshots, `${name}.graphql`), 'utf8');

test('another composition makes the same graph of our subgraphs', async () => {
  const parts = subgraphs.map(async (name) => ({
    name,
    url: `http://${name}/graphql`,
    definitions: parse(await sdlOf(name)),
  }));
  const result = federateSubgraphs({ subgraphs: await Promise.all(parts) });
  expect({ ...result, problems: result.success ? [] : result.errors.map(String) }).toMatchObject({
    success: true,
    problems: [],
  });
  if (!result.success) return;
  const theirs = fieldsOf(result.federatedGraphClientSchema);
  const ours = fieldsOf(buildSchema(await sdlOf('api')));
  expect(theirs).toEqual(ours);
  expect(ours.length).toBeGreaterThan(200);
});

describe('another gateway over our subgraphs', () => {
  let group: ProcessGroup;
  let url = '';
  let theirs: GraphQLSchema;

  beforeAll(async () => {
    group = await ProcessGroup.create();
    await group.allSubgraphs();
    url = await group.gateway();
    await bring(group.client(url), 'iris', 'CSV', await iris.files());
    theirs = getStitchedSchemaFromSupergraphSdl({
      supergraphSdl: await sdlOf('supergraph'),
      onSubschemaConfig: (subschema) => {
        const name = subschema.name.toLowerCase() as SubgraphName;
        subschema.executor = (({ document, variables }: Fetch) =>
          post(group.urlOf(name), print(document), variables)) as never;
      },
    });
  });
  afterAll(() => group.remove());

  test.each([
    '{ modules(first: 5) { totalCount nodes { slug latestVersion { name runs(first: 2) { totalCount } deployments(first: 2) { totalCount } } } } }',
    '{ datasets(first: 5) { nodes { name latestVersion { usedBy(first: 3) { totalCount } } } } backends { name type } }',
    '{ trainingRuns(first: 3) { nodes { id } pageInfo { hasNextPage } } deployments(first: 3) { totalCount } }',
  ])('answers as ours does: %s', async (query) => {
    const own = await post(url, query, {});
    expect(own.errors).toBeUndefined();
    const other = await graphql({ schema: theirs, source: query });
    expect(JSON.parse(JSON.stringify(other))).toEqual(own);
  });
});

interface Fetch {
  readonly document: DocumentNode;
  readonly variables: unknown;
}

async function post(
  url: string,
  query: string,
  variables: unknown,
): Promise<ExecutionResult<Record<string, unknown>>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as ExecutionResult<Record<string, unknown>>;
}

function fieldsOf(schema: GraphQLSchema): readonly string[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  return types
    .filter((type) => isObjectType(type))
    .flatMap((type) =>
      Object.values(type.getFields()).map(
        ({ name, type: result }) => `${type.name}.${name}: ${String(result)}`,
      ),
    )
    .toSorted();
}
