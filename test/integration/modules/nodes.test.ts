import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import { idPrefixes, newId, type Noun } from '../../../domain/ids.ts';
import { buildSubgraph } from '../../../gateway/type-graphql.ts';
import { createContext } from '../../../resolvers/context.ts';
import { datasetsSubgraph } from '../../../resolvers/datasets/subgraph.ts';
import { modulesSubgraph } from '../../../resolvers/modules/subgraph.ts';
import { trainingSubgraph } from '../../../resolvers/training/subgraph.ts';
import { Datasets } from '../../../services/datasets/datasets.ts';
import { Nodes } from '../../../services/nodes.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { TrainingRuns } from '../../../services/training/training-runs.ts';
import { oneOfEach } from '../../contract/store-samples.ts';
import { differences, type Graphs, graphsOf } from '../gateway/differential.ts';
import { metadata, Shelf } from './shelf.ts';

/** One private row of each noun; what has no owner of its own belongs to something that has. */
const samples = oneOfEach();
const rows = {
  ...samples,
  modules: { ...samples.modules, owner: 'alice', visibility: 'PRIVATE' },
  moduleVersions: { ...samples.moduleVersions, moduleId: samples.modules.id },
  datasetVersions: { ...samples.datasetVersions, datasetId: samples.datasets.id },
  splits: { ...samples.splits, datasetVersionId: samples.datasetVersions.id },
  trainingRuns: { ...samples.trainingRuns, moduleVersionId: samples.moduleVersions.id },
  attempts: { ...samples.attempts, runId: samples.trainingRuns.id },
  revisions: { ...samples.revisions, deploymentId: samples.deployments.id },
  endpoints: { ...samples.endpoints, deploymentId: samples.deployments.id },
} as const;
const ids = Object.values(rows).map((row) => row.id);

let shelf: Shelf;
let nodes: Nodes;
beforeAll(async () => {
  shelf = await Shelf.create();
  nodes = new Nodes({ store: shelf.store });
  await shelf.store.transaction(async (tx) => {
    for (const [table, row] of Object.entries(rows)) {
      const owned = 'owner' in row ? { ...row, owner: 'alice' } : row;
      const writable = tx[table as keyof typeof rows] as unknown as {
        insert(row: object): Promise<void>;
      };
      await writable.insert(owned);
    }
  });
  await shelf.put('shown', metadata({ title: 'Shown' }));
  await shelf.catalogue.refresh(localOwner);
});
afterAll(() => shelf.destroy());

const alice: Actor = { subject: 'alice', groups: [], system: false };
const bob: Actor = { subject: 'bob', groups: [], system: false };

describe('an object found by its id alone', () => {
  it('may be of every noun', () => {
    const prefixes = ids.map((id) => id.slice(0, id.lastIndexOf('_')));
    expect(prefixes.toSorted()).toEqual(Object.values(idPrefixes).toSorted());
  });

  it('is there for its owner, and for nobody else', async () => {
    const seen = await nodes.getMany(alice, ids);
    expect(seen.map((node) => node?.id)).toEqual(ids);
    expect(await nodes.getMany(bob, ids)).toEqual(ids.map(() => null));
  });

  it('is null when there is none, and when the text is no id', async () => {
    const absent = (Object.keys(idPrefixes) as Noun[]).map((noun) => newId(noun, 1, Math.random));
    const asked = [...absent, 'junk', '', 'run_1', "mod_'; drop table modules"];
    expect(await nodes.getMany(alice, asked)).toEqual(asked.map(() => null));
  });

  it('costs one read a table, however many are asked for', async () => {
    shelf.calls.clear();
    await nodes.getMany(alice, [...ids, ...ids]);
    expect(Math.max(...shelf.calls.values())).toBeLessThanOrEqual(4);
    expect([...shelf.calls.keys()].every((call) => call.endsWith('.getMany'))).toBe(true);
  });
});

describe('node in a graph of several subgraphs', () => {
  let graphs: Graphs;
  let who: Actor = alice;
  beforeAll(async () => {
    const at = {
      store: shelf.store,
      links: { upload: (id: string) => id, blob: (sha256: string) => sha256, resolve: () => null },
      log: () => undefined,
    } as unknown as Surroundings;
    const datasets = new Datasets(at);
    const trainingRuns = new TrainingRuns(at, shelf.catalogue, datasets);
    const services = { ...shelf.services, datasets, trainingRuns };
    graphs = await graphsOf({
      subgraphs: [modulesSubgraph, datasetsSubgraph, trainingSubgraph].map((it) =>
        buildSubgraph(it),
      ),
      contextFor: ({ requestId }) => createContext(who, requestId, services),
      errorFor: (error) => {
        const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : null;
        const message = error instanceof Error ? error.message : String(error);
        return { message, code: String(code), retryable: false, retryAfterMs: null };
      },
    });
  });
  afterAll(() => graphs.close());

  const query = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
    ... on Module { slug latestVersion { id } } ... on ModuleVersion { digest module { slug } }
    ... on Dataset { title } ... on TrainingRun { name state moduleVersion { digest } }
    ... on Artifact { kind } ... on Attempt { number } } }`;

  it('gives an object the fields of the subgraph that owns it, the same however the graph is run', async () => {
    const shown = await shelf.catalogue.bySlug(alice, 'shown');
    const asked = [...ids, shown?.id ?? ''].filter((id) => !/^(dep|rev|end|pred)_/.test(id));
    const sample = { name: 'nodes', query, variables: { ids: asked } };
    expect(await differences(graphs, [sample])).toEqual([]);
    const answer = JSON.parse(await graphs.answerOf('merged', sample)) as {
      readonly errors?: unknown;
      readonly data: { readonly nodes: readonly Record<string, unknown>[] };
    };
    expect(answer.errors).toBeUndefined();
    const byType = new Map(answer.data.nodes.map((node) => [node['__typename'], node]));
    expect(byType.get('TrainingRun')).toMatchObject({
      id: rows.trainingRuns.id,
      name: rows.trainingRuns.name,
      state: rows.trainingRuns.state,
    });
    expect(byType.get('Dataset')).toMatchObject({ title: rows.datasets.title });
    expect(byType.get('Artifact')).toMatchObject({ kind: rows.artifacts.kind });
    expect(byType.get('Attempt')).toMatchObject({ number: rows.attempts.number });
    expect(answer.data.nodes.at(-1)).toMatchObject({ __typename: 'Module', slug: 'shown' });
  });

  it('is null for a stranger, and refuses what is no id at the place where it was asked', async () => {
    who = bob;
    const source = `query ($id: ID!) { node(id: $id) { id } bad: node(id: "junk") { id } shown: module(slug: "shown") { slug } }`;
    const sample = { name: 'node', query: source, variables: { id: rows.trainingRuns.id } };
    expect(await differences(graphs, [sample])).toEqual([]);
    expect(JSON.parse(await graphs.answerOf('merged', sample))).toMatchObject({
      errors: [{ path: ['bad'], extensions: { code: 'BAD_ID' } }],
      data: { node: null, bad: null, shown: { slug: 'shown' } },
    });
    who = alice;
  });
});
