import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../codegen/client/client.ts';
import { accepted, ConnectionError } from '../../../codegen/client/errors.ts';
import {
  ArtifactDocument,
  CreateDeploymentDocument,
  CreateTrainingRunDocument,
  DeleteDeploymentDocument,
  DeploymentDocument,
  DeploymentEventsDocument,
  PredictDocument,
  TrainingRunDocument,
  TrainingRunLogPageDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as digits from '../../../modules/data/digits.ts';
import * as iris from '../../../modules/data/iris.ts';
import type { ServerProcess } from '../../../server/demo/server-process.ts';
import { bring, Installation, moduleVersionOf } from './installation.ts';
import { countUp, follow, statesOf } from './run-streams.ts';

// A loaded machine may take long for all of it; what is tested is order, not time.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

// Everything at once fits on a machine of one core.
const resources = { cpus: 0.4 };

let installation: Installation;
let server: ServerProcess;
let client: Client;

beforeAll(async () => {
  installation = await Installation.create();
  server = await installation.start();
  client = installation.client(server.url);
});

afterAll(async () => {
  await installation.remove();
});

describe('from the catalogue to a prediction', () => {
  let deploymentId = '';
  const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
  const predict = async () => {
    const input = { deploymentId, arguments: { features, topK: 1 } };
    return accepted((await client.run(PredictDocument, { input })).predict, 'prediction');
  };

  test('a module trains on uploaded data, and its model predicts from a warm endpoint', async () => {
    const moduleVersionId = await moduleVersionOf(client, 'tabular-classifier');
    const version = await bring(client, 'flowers', 'CSV', await iris.files());
    expect(version).toMatchObject({ exampleCount: 150, number: 1, target: 'species' });

    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, {
      input: {
        moduleVersionId,
        datasetVersionId: version.id,
        seed: 3,
        arguments: { epochs: 20 },
        resources,
      },
    });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    const { events, metrics, log } = await follow(client, id);
    expect(events.map(({ sequence }) => sequence)).toEqual(countUp(events));
    expect(metrics.map(({ offset }) => offset)).toEqual(countUp(metrics));
    expect(log.map(({ offset }) => offset)).toEqual(countUp(log));
    expect(statesOf(events)).toEqual([
      'QUEUED',
      'PLACED',
      'SUBMITTED',
      'PENDING',
      'PREPARING',
      'RUNNING',
      'EVALUATING',
      'SUCCEEDED',
    ]);
    const losses = metrics.filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(losses.at(-1)?.value).toBeLessThan(losses[0]?.value ?? 0);

    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    expect(trainingRun?.outcome).toMatchObject({ code: 'OK', exitCode: 0 });
    const model = trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL');
    const { artifact } = await client.run(ArtifactDocument, { id: model?.id ?? '' });
    expect(artifact?.lineage).toMatchObject({
      run: { id },
      seed: 3,
      arguments: { epochs: 20 },
      moduleVersion: { id: moduleVersionId, module: { slug: 'tabular-classifier' } },
      datasetVersion: { id: version.id, digest: version.digest, dataset: { name: 'flowers' } },
    });
    const page = await client.run(TrainingRunLogPageDocument, { id, first: 100 });
    expect(page.trainingRun?.log).toMatchObject({ head: log.length, ended: true, dropped: 0 });

    const { createDeployment } = await client.run(CreateDeploymentDocument, {
      input: { name: 'flowers', artifactId: artifact?.id ?? '', resources },
    });
    deploymentId = accepted(createDeployment, 'deployment').id;
    const states: string[] = [];
    for await (const { deploymentEvents } of client.subscribe(DeploymentEventsDocument, {
      id: deploymentId,
    })) {
      const { change } = deploymentEvents;
      if (change.__typename === 'EndpointChanged') states.push(change.to);
      if (change.__typename === 'EndpointChanged' && change.warmth !== null) break;
    }
    expect(states).toEqual(['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM']);
    expect((await predict()).output).toMatchObject({ labels: ['setosa'] });
  });

  test('a second server on the same state says who has it, and stops', async () => {
    const second = installation.start();
    await expect(second).rejects.toThrow(`${server.child.pid}`);
    expect((await predict()).output).toMatchObject({ labels: ['setosa'] });
  });

  test('a server killed under way loses no event, no run and no warm endpoint', async () => {
    const moduleVersionId = await moduleVersionOf(client, 'image-classifier');
    const version = await bring(client, 'digits', 'IDX', await digits.files({ limit: 600 }));
    const epochs = 60;
    const { createTrainingRun } = await client.run(CreateTrainingRunDocument, {
      input: {
        moduleVersionId,
        datasetVersionId: version.id,
        seed: 1,
        resources,
        arguments: { epochs, checkpointEvery: 20 },
      },
    });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    const { promise: underWay, resolve: isUnderWay } = Promise.withResolvers<void>();
    const overSocket = follow(client, id, ({ epoch }) => {
      if (epoch === 3) isUnderWay();
    });
    const overEvents = follow(installation.client(server.url, 'sse'), id);
    await underWay;
    const endpoint = (await client.run(DeploymentDocument, { id: deploymentId })).deployment
      ?.endpoint;
    const services = await processesOf(installation);

    server.child.kill('SIGKILL');
    await server.ended;
    await expect(predict()).rejects.toThrow(ConnectionError);
    // Long enough for the run to go on alone.
    await delay(500);
    server = await installation.start(Number(new URL(server.url).port));

    expect((await predict()).output).toMatchObject({ labels: ['setosa'] });
    expect(await processesOf(installation)).toEqual(services);

    const [told, same] = await Promise.all([overSocket, overEvents]);
    const replayed = await follow(client, id);
    expect(told.events.map(({ sequence }) => sequence)).toEqual(countUp(told.events));
    expect(told).toEqual(replayed);
    expect(same).toEqual(replayed);
    expect(statesOf(told.events)).toEqual([
      'QUEUED',
      'PLACED',
      'SUBMITTED',
      'PENDING',
      'PREPARING',
      'RUNNING',
      'EVALUATING',
      'SUCCEEDED',
    ]);
    // One native job: each epoch was trained and told once, by the only attempt.
    const losses = told.metrics.filter(({ name }) => name === 'loss');
    expect(losses.map(({ epoch }) => epoch)).toEqual(
      Array.from({ length: epochs }, (_, i) => i + 1),
    );
    const { trainingRun } = await client.run(TrainingRunDocument, { id });
    expect(trainingRun?.attempts).toHaveLength(1);
    const { deployment } = await client.run(DeploymentDocument, { id: deploymentId });
    expect(deployment?.endpoint).toMatchObject({
      id: endpoint?.id,
      state: 'WARM',
      restarts: endpoint?.restarts,
    });
  });

  test('a deleted deployment leaves no process', async () => {
    const input = { id: deploymentId };
    const { deleteDeployment } = await client.run(DeleteDeploymentDocument, { input });
    accepted(deleteDeployment, 'deployment');
    const states: string[] = [];
    for await (const data of client.subscribe(DeploymentEventsDocument, input)) {
      const { change } = data.deploymentEvents;
      if (change.__typename === 'DeploymentStateChanged') states.push(change.deploymentTo);
    }
    expect(states).toEqual(['DELETING', 'DELETED']);
    await expect.poll(() => processesOf(installation), { timeout: 5_000 }).toEqual([]);
  });
});

/** Identities of the servers of modules. */
async function processesOf(of: Installation): Promise<readonly unknown[]> {
  const states = (await of.nativeFiles('services', 'state.json')) as readonly {
    readonly replicas: readonly { readonly process: unknown }[];
  }[];
  return states.flatMap(({ replicas }) =>
    replicas.flatMap(({ process }) => (process === null ? [] : [process])),
  );
}
