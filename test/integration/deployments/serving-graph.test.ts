import { afterAll, beforeAll, expect, test } from 'vitest';
import { localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import type { JsonObject } from '../../../domain/json.ts';
import { buildSubgraph } from '../../../gateway/type-graphql.ts';
import { createContext } from '../../../resolvers/context.ts';
import { deploymentsSubgraph } from '../../../resolvers/deployments/subgraph.ts';
import { inferenceSubgraph } from '../../../resolvers/inference/subgraph.ts';
import { modulesSubgraph } from '../../../resolvers/modules/subgraph.ts';
import { trainingSubgraph } from '../../../resolvers/training/subgraph.ts';
import { datasetsSubgraph } from '../../../resolvers/datasets/subgraph.ts';
import { errorMapper } from '../../../server/errors.ts';
import { newEndpoint, newRevision } from '../../../services/deployments/new-revision.ts';
import { Nodes } from '../../../services/nodes.ts';
import type { Services } from '../../../services/services.ts';
import { differences, type Graphs, graphsOf } from '../gateway/differential.ts';
import { counting } from './counting-store.ts';
import { ServingSite } from './serving-site.ts';

let site: ServingSite;
let graphs: Graphs;
const calls = new Map<string, number>();

beforeAll(async () => {
  site = await ServingSite.create({ counted: (store) => counting(store, calls) });
  const services = {
    modules: site.modules,
    nodes: new Nodes(site.at),
    deployments: site.deployments,
    predictions: site.predictions,
  } as unknown as Services;
  const parts = [
    modulesSubgraph,
    datasetsSubgraph,
    trainingSubgraph,
    deploymentsSubgraph,
    inferenceSubgraph,
  ];
  graphs = await graphsOf({
    subgraphs: parts.map((part) => buildSubgraph(part)),
    contextFor: ({ requestId }) => createContext(localOwner, requestId, services),
    errorFor: errorMapper((_, message, details) => console.error(message, details)),
  });
});

afterAll(async () => {
  await graphs.close();
  await site.destroy();
});

async function ask(query: string, variables: JsonObject = {}): Promise<Answer> {
  return JSON.parse(await graphs.answerOf('merged', { name: 'ask', query, variables })) as Answer;
}

/** The shape of an answer is what a test asserts, so it is not typed before. */
interface Answer {
  readonly [key: string]: Answer | undefined;
}

const create = `mutation ($input: CreateDeploymentInput!) {
  createDeployment(input: $input) {
    deployment { id version name state replicas backend resources { cpus } activeRevision { id } latestRevision { number endpoint { state waiting { code } } } moduleVersion { id name } artifact { id } }
    userErrors { code message path } } }`;

const predict = `mutation ($input: PredictInput!) {
  predict(input: $input) { prediction { id outcome output moduleMs totalMs deployment { name } revision { number } } retryAfterMs userErrors { code path } } }`;

test('a person deploys, follows it to WARM, predicts and reads what happened, through the graph', async () => {
  const version = await site.module(`await serve({});`);
  const input = { name: 'graph', moduleVersionId: version.id, idempotencyKey: 'once' };
  const created = await ask(create, { input });
  expect(created.data?.['createDeployment']).toMatchObject({
    userErrors: [],
    deployment: {
      name: 'graph',
      state: 'ACTIVE',
      replicas: 1,
      backend: 'local',
      resources: { cpus: 0.1 },
      activeRevision: null,
      latestRevision: { number: 1 },
      moduleVersion: { id: version.id, name: '1.0.0' },
      artifact: null,
    },
  });
  const again = await ask(create, { input });
  const id = JSON.parse(
    JSON.stringify(again.data?.['createDeployment']?.['deployment']?.['id']),
  ) as string;
  expect(id).toBe(created.data?.['createDeployment']?.['deployment']?.['id']);
  const mismatch = await ask(create, { input: { ...input, replicas: 2 } });
  expect(mismatch.data?.['createDeployment']).toMatchObject({
    deployment: null,
    userErrors: [{ code: 'IDEMPOTENCY_MISMATCH', path: ['idempotencyKey'] }],
  });

  const early = await ask(predict, { input: { deploymentId: id, waitUntilWarmMs: 15_000 } });
  expect(early.data?.['predict']).toMatchObject({
    userErrors: [],
    retryAfterMs: null,
    prediction: {
      outcome: 'OK',
      output: { label: 'yes' },
      deployment: { name: 'graph' },
      revision: { number: 1 },
    },
  });
  const read = await ask(
    `query ($id: ID!) {
      deployment(id: $id) { activeRevision { number deployment { id } } endpoint { state readyReplicas warmth { latencyMs warmUpMs probedAt } revision { number } deployment { id } }
        predictions(first: 5) { totalCount nodes { outcome output deployment { id } } } revisions(last: 1) { totalCount nodes { number } }
        moduleVersion { deployments(first: 5) { totalCount nodes { id } } } } }`,
    { id },
  );
  expect(read).toMatchObject({
    data: {
      deployment: {
        activeRevision: { number: 1, deployment: { id } },
        endpoint: { state: 'WARM', readyReplicas: 1, revision: { number: 1 }, deployment: { id } },
        predictions: {
          totalCount: 1,
          nodes: [{ outcome: 'OK', output: null, deployment: { id } }],
        },
        revisions: { totalCount: 1, nodes: [{ number: 1 }] },
        moduleVersion: { deployments: { totalCount: 1, nodes: [{ id }] } },
      },
    },
  });

  await ask(
    `mutation ($id: ID!) { deleteDeployment(input: { id: $id }) { userErrors { code } } }`,
    {
      id,
    },
  );
  const events = await graphs.answerOf('merged', {
    name: 'events',
    query: `subscription ($id: ID!, $after: Int!) { deploymentEvents(id: $id, after: $after) { sequence at deployment { id } change { __typename
      ... on EndpointChanged { from to reason readyReplicas warmth { latencyMs } }
      ... on EndpointWaitingChanged { waiting { code } }
      ... on RevisionActivated { revisionId previousRevisionId } } } }`,
    variables: { id, after: 0 },
  });
  const lines = events
    .split('\n')
    .map((line) => (JSON.parse(line) as Answer)['data']?.['deploymentEvents']);
  expect(lines.map((line) => line?.['sequence'])).toEqual(lines.map((_, index) => index + 1));
  expect(lines.map((line) => line?.['change']?.['__typename'])).toEqual(
    expect.arrayContaining([
      'DeploymentCreated',
      'EndpointChanged',
      'EndpointWaitingChanged',
      'RevisionActivated',
      'DeploymentStateChanged',
    ]),
  );
});

test('wrong input is answered with every finding at its path, and changes nothing', async () => {
  const untrained = await site.module(`await serve({});`, { pretrained: false });
  const before = await site.at.store.deployments.count({});
  const refused = async (input: JsonObject) => {
    const answer = (await ask(create, { input })).data?.['createDeployment'];
    expect(answer?.['deployment']).toBeNull();
    const errors = answer?.['userErrors'] as unknown as { code: string; path: string[] }[];
    return errors.map(({ code, path }) => `${code} ${path.join('.')}`).toSorted();
  };
  const ok = await site.module(`await serve({});`);
  expect(await refused({ name: ' ', replicas: 17, resources: { cpus: 0 } })).toEqual([
    'INVALID_ARGUMENT moduleVersionId',
    'INVALID_ARGUMENT name',
    'INVALID_ARGUMENT replicas',
    'INVALID_ARGUMENT resources.cpus',
  ]);
  expect(await refused({ name: 'x', moduleVersionId: 'nonsense' })).toEqual([
    'BAD_ID moduleVersionId',
  ]);
  expect(await refused({ name: 'x', moduleVersionId: untrained.id })).toEqual([
    'INVALID_ARGUMENT moduleVersionId',
  ]);
  expect(await refused({ name: 'x', artifactId: 'art_01K00000000000000000000000' })).toEqual([
    'NOT_FOUND artifactId',
  ]);
  expect(await refused({ name: 'x', moduleVersionId: ok.id, backend: 'mars' })).toEqual([
    'INVALID_ARGUMENT backend',
  ]);
  expect(await site.at.store.deployments.count({})).toBe(before);
});

const update = `mutation ($input: UpdateDeploymentInput!) {
  updateDeployment(input: $input) { deployment { version name replicas latestRevision { number } } userErrors { code path } } }`;

test('of two writers who read the same version the second is told', async () => {
  const { id, version } = await site.deploy(`await serve({ load: () => sleep(60_000) });`);
  const first = await ask(update, { input: { id, name: 'first', expectedVersion: version } });
  expect(first.data?.['updateDeployment']).toMatchObject({
    deployment: { version: version + 1, name: 'first', latestRevision: { number: 1 } },
    userErrors: [],
  });
  const second = await ask(update, { input: { id, name: 'second', expectedVersion: version } });
  expect(second.data?.['updateDeployment']).toMatchObject({
    deployment: null,
    userErrors: [{ code: 'VERSION_CONFLICT', path: ['expectedVersion'] }],
  });
  const nothing = await ask(update, { input: { id } });
  expect(nothing.data?.['updateDeployment']).toMatchObject({
    userErrors: [{ code: 'INVALID_ARGUMENT' }],
  });
  await ask(
    `mutation ($id: ID!) { deleteDeployment(input: { id: $id }) { userErrors { code } } }`,
    {
      id,
    },
  );
  const late = await ask(update, { input: { id, name: 'late' } });
  expect(late.data?.['updateDeployment']).toMatchObject({ userErrors: [{ code: 'WRONG_STATE' }] });
});

test('an update repeated with its key makes one revision', async () => {
  const { id } = await site.deploy(`await serve({});`);
  const { id: moduleVersionId } = await site.module(`await serve({});`);
  const input = { id, moduleVersionId, idempotencyKey: 'roll' };
  const answers = await Promise.all([1, 2, 3].map(() => ask(update, { input })));
  expect(
    answers.map(
      ({ data }) => data?.['updateDeployment']?.['deployment']?.['latestRevision']?.['number'],
    ),
  ).toEqual([2, 2, 2]);
});

test('a refused prediction says when to try again', async () => {
  const { id } = await site.deploy(`await serve({ load: () => sleep(60_000) });`);
  const answer = (await ask(predict, { input: { deploymentId: id } })).data?.['predict'];
  expect(answer).toMatchObject({
    prediction: null,
    userErrors: [{ code: 'NOT_READY', path: ['deploymentId'] }],
  });
  expect(Number(answer?.['retryAfterMs'])).toBeGreaterThan(0);
});

test('a page of twenty costs the same number of reads as a page of one', async () => {
  const made = await site.deploy(`await serve({});`);
  await site.reaches(made.id, 'WARM');
  const template = await site.deployment(made.id);
  const version = await site.module('');
  // Only what is written is read here; no server need run for it.
  await site.at.store.transaction(async (tx) => {
    for (let n = 0; n < 20; n += 1) {
      const id = newId('Deployment', template.createdAt + n, Math.random);
      const served = { version, artifact: null };
      const revision = newRevision(id, 1, served, site.at.ambient);
      const deployment = { ...template, id, version: 1, state: 'DELETED' } as const;
      const revisions = { activeRevisionId: revision.id, latestRevisionId: revision.id };
      await tx.deployments.insert({ ...deployment, ...revisions });
      await tx.revisions.insert(revision);
      await tx.endpoints.insert(newEndpoint(deployment, revision, revision.createdAt));
    }
  });
  const list = `query ($first: Int!) { deployments(first: $first, orderBy: { field: CREATED_AT }) {
    nodes { id activeRevision { number } latestRevision { number } endpoint { state } revisions(first: 3) { totalCount nodes { number endpoint { state } } }
      predictions(first: 2) { totalCount nodes { id } } } } }`;
  const reads = async (first: number): Promise<number> => {
    calls.clear();
    const answer = await ask(list, { first });
    expect(answer.data?.['deployments']?.['nodes']).toHaveLength(first);
    return [...calls]
      .filter(([name]) =>
        /^(deployments|revisions|endpoints|predictions)\.(page|count|getMany)/.test(name),
      )
      .reduce((sum, [, count]) => sum + count, 0);
  };
  const one = await reads(1);
  expect(await reads(20)).toBe(one);
});

test('what is asked comes out the same merged, planned and over real processes', async () => {
  const warm = await site.deploy(`await serve({});`, { name: 'same' });
  await site.reaches(warm.id, 'WARM');
  await site.predict(warm.id);
  await site.deployments.delete(localOwner, warm.id);
  await site.until(
    warm.id,
    ({ change }) => change.type === 'deployment.stateChanged' && change.to === 'DELETED',
  );
  const { id } = warm;
  const queries = [
    `query ($id: ID!) { deployment(id: $id) { name state predictions(first: 1) { totalCount nodes { totalMs revision { number } deployment { name } } } moduleVersion { name module { title } deployments(first: 1) { totalCount } } latestRevision { endpoint { state deployment { predictions(first: 1) { totalCount } } } } } }`,
    `query ($id: ID!) { node(id: $id) { __typename id ... on Deployment { name state } } }`,
    `{ deployments(first: 3, filter: { states: [DELETED], backend: "local" }, orderBy: { field: NAME, direction: ASC }) { totalCount nodes { name endpoint { state } } } }`,
    `{ deployment(id: "junk") { id } }`,
    `{ deployment(id: "dep_01K00000000000000000000000") { id } prediction(id: "pred_01K00000000000000000000000") { id } }`,
    `subscription ($id: ID!) { deploymentEvents(id: $id, after: 2) { sequence deployment { name latestRevision { number } } change { __typename ... on EndpointChanged { to warmth { latencyMs } } } } }`,
    `subscription ($id: ID!) { deploymentEvents(id: $id, after: 100000) { sequence } }`,
    `subscription { deploymentEvents(id: "dep_01K00000000000000000000000") { sequence } }`,
  ];
  const samples = queries.map((query) => ({ name: query, query, variables: { id } }));
  // The direction has a default inside the input: compiled execution must know it too.
  const sorted = {
    name: 'default inside a variable',
    query: `query ($orderBy: DeploymentOrder) { deployments(last: 2, orderBy: $orderBy) { nodes { name } } }`,
    variables: { orderBy: { field: 'NAME' } },
  };
  expect(await differences(graphs, [...samples, sorted])).toEqual([]);
  const answer = JSON.parse(await graphs.answerOf('merged', sorted)) as Answer;
  expect(answer['errors']).toBeUndefined();
});
