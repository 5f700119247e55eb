import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../codegen/client/client.ts';
import { accepted } from '../../../codegen/client/errors.ts';
import {
  BackendsDocument,
  CreateDeploymentDocument,
  CreateTrainingRunDocument,
  DeleteDeploymentDocument,
  DeploymentDocument,
  DeploymentEventsDocument,
  PlanDeploymentDocument,
  PredictDocument,
  TrainingRunDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as iris from '../../../modules/data/iris.ts';
import { bring, moduleVersionOf } from '../thread/installation.ts';
import { follow, statesOf } from '../thread/run-streams.ts';
import { FunctionInstallation, image } from './installation.ts';

// A loaded machine may take long for all of it; what is tested is order, not time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

// OpenWhisk allows an action half a gigabyte, unless its operator raises that.
const resources = { memoryMiB: 512 };
const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };

let installation: FunctionInstallation;
let client: Client;
let moduleVersionId = '';
let deploymentId = '';

beforeAll(async () => {
  installation = await FunctionInstallation.create();
  client = installation.client();
  moduleVersionId = await moduleVersionOf(client, 'flowers');
});

afterAll(async () => {
  await installation.remove();
});

async function predict(id: string) {
  const input = { deploymentId: id, arguments: { features, topK: 1 } };
  return accepted((await client.run(PredictDocument, { input })).predict, 'prediction');
}

/** The states of its endpoint until it is warm for the first time. */
async function untilWarm(id: string): Promise<readonly (string | null)[]> {
  const states: (string | null)[] = [];
  for await (const { deploymentEvents } of client.subscribe(DeploymentEventsDocument, { id })) {
    const { change } = deploymentEvents;
    if (change.__typename !== 'EndpointChanged') continue;
    states.push(change.to);
    // With its reason, so that a test that fails tells it.
    if (change.to === 'FAILED') return [...states, change.reason];
    if (change.warmth !== null) break;
  }
  return states;
}

describe('a module on OpenWhisk, through the graph', () => {
  test('is planned to the letter', async () => {
    const { backends } = await client.run(BackendsDocument, {});
    expect(backends.map(({ name, runsFunctions }) => [name, runsFunctions])).toEqual([
      ['local', false],
      ['openwhisk', true],
    ]);
    expect(backends[1]?.health).toMatchObject({ reachable: true, unreachableSince: null });
    const input = { name: 'flowers', moduleVersionId, backend: 'openwhisk', resources };
    const { planDeployment } = await client.run(PlanDeploymentDocument, { input });
    const { backend, requests } = accepted(planDeployment, 'plan');
    expect(backend).toBe('openwhisk');
    expect(requests.map(({ title }) => title)).toEqual([
      expect.stringMatching(/^PUT \/api\/v1\/namespaces\/_\/actions\//),
    ]);
    expect(JSON.parse(requests[0]?.text ?? '')).toMatchObject({ exec: { image } });
    expect(installation.openwhisk.actions.size).toBe(0);
  });

  test('becomes WARM by real calls and answers, and tells that it met no cold start', async () => {
    const input = { name: 'flowers', moduleVersionId, backend: 'openwhisk', resources };
    const { createDeployment } = await client.run(CreateDeploymentDocument, { input });
    deploymentId = accepted(createDeployment, 'deployment').id;
    expect(await untilWarm(deploymentId)).toEqual(['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM']);
    const { output, coldStart, waitMs } = await predict(deploymentId);
    expect(output).toMatchObject({ labels: ['setosa'] });
    expect(coldStart).toBe(false);
    expect(waitMs).not.toBeNull();
  });

  test('stays WARM and goes on answering when the server is killed and started again', async () => {
    const actions = [...installation.openwhisk.actions.keys()];
    await installation.restart();
    expect((await predict(deploymentId)).output).toMatchObject({ labels: ['setosa'] });
    const { deployment } = await client.run(DeploymentDocument, { id: deploymentId });
    expect(deployment?.endpoint).toMatchObject({ state: 'WARM', readyReplicas: 1 });
    expect([...installation.openwhisk.actions.keys()]).toEqual(actions);
  });

  test('serves what was trained elsewhere: its container fetches the artifact', async () => {
    const version = await bring(client, 'flowers', 'CSV', await iris.files());
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, {
      input: {
        moduleVersionId,
        datasetVersionId: version.id,
        backend: 'local',
        seed: 3,
        arguments: { epochs: 20 },
        resources: { cpus: 0.4 },
      },
    });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    expect(statesOf((await follow(client, id)).events).at(-1)).toBe('SUCCEEDED');
    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    const artifact = trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL');
    const input = {
      name: 'trained',
      artifactId: artifact?.id ?? '',
      backend: 'openwhisk',
      resources,
    };
    const { createDeployment } = await client.run(CreateDeploymentDocument, { input });
    const trained = accepted(createDeployment, 'deployment').id;
    expect((await untilWarm(trained)).at(-1)).toBe('WARM');
    expect((await predict(trained)).output).toMatchObject({ labels: ['setosa'] });
    expect(installation.openwhisk.actions.size).toBe(2);
  });

  test('leaves no action behind when it is deleted', async () => {
    const input = { id: deploymentId };
    accepted(
      (await client.run(DeleteDeploymentDocument, { input })).deleteDeployment,
      'deployment',
    );
    for await (const data of client.subscribe(DeploymentEventsDocument, input)) {
      expect(data.deploymentEvents.sequence).toBeGreaterThan(0);
    }
    expect(installation.openwhisk.actions.size).toBe(1);
  });
});
