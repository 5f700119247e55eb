import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../codegen/client/client.ts';
import { accepted, FathomApiError } from '../../../codegen/client/errors.ts';
import {
  BackendsDocument,
  CreateDeploymentDocument,
  CreateTrainingRunDocument,
  DeleteDeploymentDocument,
  DeploymentDocument,
  DeploymentEventsDocument,
  ModuleDocument,
  PredictDocument,
  TrainingRunDocument,
  UpdateDeploymentDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as iris from '../../../modules/data/iris.ts';
import { bring, moduleVersionOf } from '../thread/installation.ts';
import { countUp, follow, statesOf } from '../thread/run-streams.ts';
import { ProcessGroup, subgraphs } from './process-group.ts';

// A loaded machine may take long for all of it; what is tested is order, not time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

const wholeRun = [
  'QUEUED',
  'PLACED',
  'SUBMITTED',
  'PENDING',
  'PREPARING',
  'RUNNING',
  'EVALUATING',
  'SUCCEEDED',
];
const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };

describe('five subgraphs as processes on one state folder, behind a gateway', () => {
  let group: ProcessGroup;
  let url = '';
  let client: Client;
  let moduleVersionId = '';
  let datasetVersionId = '';
  let artifactId = '';

  const train = async (epochs: number, seed: number): Promise<string> => {
    const input = { moduleVersionId, datasetVersionId, seed, arguments: { epochs } };
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, { input });
    return accepted(createTrainingRun, 'trainingRun').id;
  };
  const modelOf = async (runId: string): Promise<string> => {
    const { trainingRun } = await client.run(TrainingRunDocument, { id: runId });
    const model = trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL');
    return model?.id ?? '';
  };

  beforeAll(async () => {
    group = await ProcessGroup.create();
    // The first one has the work of the folder to look after, so it is known whom to kill.
    await group.subgraph('modules');
    await group.untilHealth('modules', ({ onDuty }) => onDuty === true);
    const others = subgraphs.filter((name) => name !== 'modules');
    const [gateway] = await Promise.all([
      group.gateway(),
      group.worker(),
      ...others.map((name) => group.subgraph(name)),
    ]);
    url = gateway;
    client = group.client(url);
  });
  afterAll(() => group.remove());

  test('one of them has the work to look after, and the gateway knows them all to be well', async () => {
    const onDuty = await Promise.all(
      subgraphs.map(async (name) => (await group.health(name))?.onDuty),
    );
    expect(onDuty).toEqual([true, false, false, false, false]);
    expect(await group.health('worker')).toMatchObject({ role: 'worker', onDuty: false });
    const all = Object.fromEntries(subgraphs.map((name) => [name, 'ok']));
    expect(await group.health('gateway')).toMatchObject({ status: 'ok', subgraphs: all });
  });

  test('a server that wants the folder for itself is refused, and says by whom', async () => {
    const { child, ended } = group.launch('alone', []);
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await ended;
    expect(child.exitCode).toBe(1);
    expect(said).toMatch(/^fathom: The folder .* is in use by processes .*\. Stop that first/mu);
    for (const name of subgraphs) expect(said).toContain(`${group.pidOf(name)}`);
    expect(said).not.toContain('    at ');
  });

  test('a module trains on uploaded data, watched live, and its model predicts', async () => {
    moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    const version = await bring(client, 'flowers', 'CSV', await iris.files());
    datasetVersionId = version.id;
    const run = await train(20, 3);
    const told = await follow(client, run);
    expect(told.events.map(({ sequence }) => sequence)).toEqual(countUp(told.events));
    expect(told.metrics.map(({ offset }) => offset)).toEqual(countUp(told.metrics));
    expect(statesOf(told.events)).toEqual(wholeRun);
    artifactId = await modelOf(run);
    const deploymentId = await deploy('flowers', artifactId);
    const input = { deploymentId, arguments: { features, topK: 1 } };
    const { predict } = await client.run(PredictDocument, { input });
    expect(accepted(predict, 'prediction').output).toMatchObject({ labels: ['setosa'] });

    // From the artifact to what made it and what serves it: all five answer.
    const answer = await ask(
      `query ($id: ID!) { artifact(id: $id) {
        lineage { moduleVersion { module { slug } } datasetVersion { dataset { name } } run { number } }
        deployments(first: 1) { nodes { name endpoint { state } predictions(first: 1) { totalCount } } } } }`,
      { id: artifactId },
    );
    expect(answer).toEqual({
      data: {
        artifact: {
          lineage: {
            moduleVersion: { module: { slug: 'tabular-classifier' } },
            datasetVersion: { dataset: { name: 'flowers' } },
            run: { number: 1 },
          },
          deployments: {
            nodes: [
              { name: 'flowers', endpoint: { state: 'WARM' }, predictions: { totalCount: 1 } },
            ],
          },
        },
      },
    });
    const { backends } = await client.run(BackendsDocument, {});
    expect(backends).toMatchObject([{ name: 'local', health: { reachable: true } }]);

    await updateUnderLoad(deploymentId);
    await remove(deploymentId);
  });

  test('a killed process takes its fields with it and nothing else; the run that it looked after ends once, elsewhere', async () => {
    const run = await train(400, 1);
    const { promise: underWay, resolve: isUnderWay } = Promise.withResolvers<void>();
    const watched = follow(client, run, ({ epoch }) => {
      if (epoch === 5) isUnderWay();
    });
    await underWay;
    await group.kill('modules');

    const answer = await ask(
      `query ($id: ID!) { trainingRun(id: $id) { number moduleVersion { id name } datasetVersion { number } }
        modules(first: 1) { totalCount } deployments(first: 1) { totalCount } }`,
      { id: run },
    );
    const unavailable = { code: 'SUBGRAPH_UNAVAILABLE', retryable: true };
    expect(answer).toMatchObject({
      data: null,
      errors: expect.arrayContaining([
        expect.objectContaining({ extensions: expect.objectContaining(unavailable) as unknown }),
      ]) as unknown,
    });
    const partial = await ask(
      `query ($id: ID!) { trainingRun(id: $id) { number datasetVersion { number dataset { name } } }
        module(slug: "tabular-classifier") { title } deployments(first: 1) { totalCount } }`,
      { id: run },
    );
    expect(partial).toMatchObject({
      data: {
        trainingRun: { number: 3, datasetVersion: { number: 1, dataset: { name: 'flowers' } } },
        module: null,
        deployments: { totalCount: 1 },
      },
      errors: [{ path: ['module'], extensions: unavailable }],
    });
    const lost = client.run(ModuleDocument, { slug: 'tabular-classifier' });
    await expect(lost).rejects.toBeInstanceOf(FathomApiError);

    const told = await watched;
    expect(told.events.map(({ sequence }) => sequence)).toEqual(countUp(told.events));
    expect(statesOf(told.events)).toEqual(wholeRun);
    const losses = told.metrics.filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 400 }, (_, i) => i + 1));
    const { attempts } = (await ask(
      'query ($id: ID!) { trainingRun(id: $id) { attempts { number state } } }',
      { id: run },
    ).then(({ data }) => data?.['trainingRun'])) as { attempts: unknown };
    expect(attempts).toEqual([{ number: 1, state: 'SUCCEEDED' }]);
    const others = ['worker', ...subgraphs.filter((name) => name !== 'modules')];
    const onDuty = await Promise.all(
      others.map(async (name) => (await group.health(name))?.onDuty),
    );
    expect(onDuty.filter((it) => it === true)).toHaveLength(1);

    await group.subgraph('modules');
    expect(await group.health('modules')).toMatchObject({ status: 'ok', onDuty: false });
    const { module } = await client.run(ModuleDocument, { slug: 'tabular-classifier' });
    expect(module?.latestVersion?.id).toBe(moduleVersionId);
  });

  /** Gives the id once the endpoint is warm. */
  async function deploy(name: string, artifact: string): Promise<string> {
    const { createDeployment } = await client.run(CreateDeploymentDocument, {
      input: { name, artifactId: artifact },
    });
    const { id } = accepted(createDeployment, 'deployment');
    for await (const { deploymentEvents } of client.subscribe(DeploymentEventsDocument, { id })) {
      const { change } = deploymentEvents;
      if (change.__typename === 'EndpointChanged' && change.to === 'WARM') break;
    }
    return id;
  }

  /** Rolls out another model while calls come in without a pause, from several callers; each is answered. */
  async function updateUnderLoad(deploymentId: string): Promise<void> {
    const before = (await client.run(DeploymentDocument, { id: deploymentId })).deployment;
    const second = await train(20, 4);
    await follow(client, second);
    const stop = new AbortController();
    const failures: string[] = [];
    let calls = 0;
    const callers = Array.from({ length: 3 }, async () => {
      while (!stop.signal.aborted) {
        const answer = await ask(
          'mutation ($input: PredictInput!) { predict(input: $input) { prediction { id } userErrors { code message } } }',
          { input: { deploymentId, arguments: { features, topK: 1 } } },
        );
        calls += 1;
        const predicted = answer.data?.['predict'] as
          { prediction: unknown; userErrors: unknown } | undefined;
        if (!predicted?.prediction) failures.push(JSON.stringify(answer));
      }
    });
    const input = { id: deploymentId, artifactId: await modelOf(second) };
    const { updateDeployment } = await client.run(UpdateDeploymentDocument, { input });
    accepted(updateDeployment, 'deployment');
    const old = before?.endpoint.id;
    for await (const data of client.subscribe(DeploymentEventsDocument, { id: deploymentId })) {
      const { change } = data.deploymentEvents;
      const isOver = change.__typename === 'EndpointChanged' && change.endpointId === old;
      if (isOver && change.from === 'COOLING' && change.to === 'COLD') break;
    }
    stop.abort();
    await Promise.all(callers);
    expect(failures).toEqual([]);
    expect(calls).toBeGreaterThan(100);
    const after = (await client.run(DeploymentDocument, { id: deploymentId })).deployment;
    expect(after?.artifact?.id).toBe(input.artifactId);
    expect(after?.endpoint.id).not.toBe(old);
  }

  async function remove(id: string): Promise<void> {
    const { deleteDeployment } = await client.run(DeleteDeploymentDocument, { input: { id } });
    accepted(deleteDeployment, 'deployment');
    const states: string[] = [];
    for await (const data of client.subscribe(DeploymentEventsDocument, { id })) {
      const { change } = data.deploymentEvents;
      if (change.__typename === 'DeploymentStateChanged') states.push(change.deploymentTo);
    }
    expect(states).toEqual(['DELETING', 'DELETED']);
  }

  async function ask(
    query: string,
    variables: object,
  ): Promise<{ data?: Record<string, unknown> | null; errors?: unknown }> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as { data?: Record<string, unknown> | null; errors?: unknown };
  }
});
