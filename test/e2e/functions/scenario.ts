import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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
  UpdateDeploymentDocument,
} from '../../../codegen/client/generated/graphql.ts';
import * as iris from '../../../modules/data/iris.ts';
import { bring, moduleVersionOf } from '../thread/installation.ts';
import { follow, statesOf } from '../thread/run-streams.ts';
import { FunctionInstallation, type FunctionPlatform, slug } from './installation.ts';

// OpenWhisk allows an action half a gigabyte, unless its operator raises that.
const resources = { memoryMiB: 512 };
const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };
/** A loaded machine may take long for all of it; what is tested is order, not time. */
const patience = { timeout: 180_000 };

/** A module on a platform of functions, through the graph: from the plan to the deletion, over a server that is killed. */
export function functionScenario(
  name: string,
  open: (module: string) => Promise<FunctionPlatform>,
): void {
  describe(`a module on ${name}, through the graph`, patience, () => {
    const scene = new Scene();
    beforeAll(() => scene.begin(open), patience.timeout);
    afterAll(() => scene.end(), patience.timeout);
    served(scene);
    trained(scene);
  });
}

function served(scene: Scene): void {
  let deploymentId = '';

  test('is planned to the letter', async () => {
    const { backends } = await scene.client.run(BackendsDocument, {});
    expect(backends.map(({ name, runsFunctions }) => [name, runsFunctions])).toEqual([
      ['local', false],
      ['openwhisk', true],
    ]);
    expect(backends[1]?.health).toMatchObject({ reachable: true, unreachableSince: null });
    const { moduleVersionId } = scene;
    const input = { name: 'flowers', moduleVersionId, backend: 'openwhisk', resources };
    const { planDeployment } = await scene.client.run(PlanDeploymentDocument, { input });
    const { backend, requests } = accepted(planDeployment, 'plan');
    expect(backend).toBe('openwhisk');
    expect(requests.map(({ title }) => title)).toEqual([
      expect.stringMatching(/^PUT \/api\/v1\/namespaces\/_\/actions\//),
    ]);
    expect(JSON.parse(requests[0]?.text ?? '')).toMatchObject({ exec: { image: scene.image } });
    expect(await scene.actions()).toEqual([]);
  });

  test('becomes WARM by real calls and answers, and tells that it met no cold start', async () => {
    const { moduleVersionId } = scene;
    const input = { name: 'flowers', moduleVersionId, backend: 'openwhisk', resources };
    const { createDeployment } = await scene.client.run(CreateDeploymentDocument, { input });
    deploymentId = accepted(createDeployment, 'deployment').id;
    expect(await scene.untilWarm(deploymentId)).toEqual([
      ...['COLD', 'PLACED', 'LOADING', 'PROBING', 'WARM'],
    ]);
    // The container that proved it is free when its log was collected.
    const predicted = async () => (await scene.predict(deploymentId)).coldStart;
    await expect.poll(predicted, { timeout: 60_000 }).toBe(false);
    const { output, waitMs } = await scene.predict(deploymentId);
    expect(output).toMatchObject({ labels: ['setosa'] });
    expect(waitMs).not.toBeNull();
  });

  test('tells of more calls at once than are warm that some met a cold start, and answers them all', async () => {
    const calls = Array.from({ length: 6 }, () => scene.predict(deploymentId));
    const answers = await Promise.all(calls);
    for (const { output } of answers) expect(output).toMatchObject({ labels: ['setosa'] });
    const colds = answers.filter(({ coldStart }) => coldStart === true);
    expect(colds.length).toBeGreaterThan(0);
    for (const { initMs } of colds) expect(initMs).toBeGreaterThan(0);
  });

  test('stays WARM and goes on answering when the server is killed and started again', async () => {
    const actions = await scene.actions();
    expect(actions).toHaveLength(1);
    await scene.restart();
    expect((await scene.predict(deploymentId)).output).toMatchObject({ labels: ['setosa'] });
    const { deployment } = await scene.client.run(DeploymentDocument, { id: deploymentId });
    expect(deployment?.endpoint).toMatchObject({ state: 'WARM', readyReplicas: 1 });
    expect(await scene.actions()).toEqual(actions);
  });

  test('leaves no action behind when it is deleted', async () => {
    await scene.delete(deploymentId);
    expect(await scene.actions()).toEqual([]);
  });
}

function trained(scene: Scene): void {
  let datasetVersionId = '';
  let deploymentId = '';
  let first: readonly string[] = [];

  test('serves what was trained elsewhere: its container fetches the artifact', async () => {
    datasetVersionId = (await bring(scene.client, 'flowers', 'CSV', await iris.files())).id;
    const artifactId = await scene.train(datasetVersionId, 3);
    const input = { name: 'trained', artifactId, backend: 'openwhisk', resources };
    const { createDeployment } = await scene.client.run(CreateDeploymentDocument, { input });
    deploymentId = accepted(createDeployment, 'deployment').id;
    expect((await scene.untilWarm(deploymentId)).at(-1)).toBe('WARM');
    expect((await scene.predict(deploymentId)).output).toMatchObject({ labels: ['setosa'] });
    first = await scene.actions();
    expect(first).toHaveLength(1);
  });

  test('serves a new revision from an action of its own, and the old one goes', async () => {
    const artifactId = await scene.train(datasetVersionId, 4);
    const input = { id: deploymentId, artifactId };
    const { updateDeployment } = await scene.client.run(UpdateDeploymentDocument, { input });
    accepted(updateDeployment, 'deployment');
    await scene.untilRevision(deploymentId, 2);
    expect((await scene.predict(deploymentId)).output).toMatchObject({ labels: ['setosa'] });
    await expect.poll(() => scene.actions(), { timeout: 60_000 }).toHaveLength(1);
    expect(await scene.actions()).not.toEqual(first);
    const { deployment } = await scene.client.run(DeploymentDocument, { id: deploymentId });
    expect(deployment).toMatchObject({
      activeRevision: { number: 2 },
      endpoint: { state: 'WARM', failure: null },
    });
  });

  test('takes everything with it when it is deleted', async () => {
    await scene.delete(deploymentId);
    expect(await scene.actions()).toEqual([]);
  });
}

/** The installation, and what its person does in it. */
class Scene {
  moduleVersionId = '';
  #opened: { readonly installation: FunctionInstallation; readonly client: Client } | null = null;
  /** Others may use the platform: only what was made here is looked at. */
  #before: readonly string[] = [];

  async begin(open: (module: string) => Promise<FunctionPlatform>): Promise<void> {
    const installation = await FunctionInstallation.create(open);
    this.#opened = { installation, client: installation.client() };
    this.#before = await installation.platform.actions();
    this.moduleVersionId = await moduleVersionOf(this.client, slug);
  }

  async end(): Promise<void> {
    await this.#opened?.installation.remove();
  }

  get client(): Client {
    return this.#there().client;
  }

  get image(): string {
    return this.#there().installation.platform.image;
  }

  restart(): Promise<void> {
    return this.#there().installation.restart();
  }

  async actions(): Promise<readonly string[]> {
    const all = await this.#there().installation.platform.actions();
    return all.filter((name) => !this.#before.includes(name));
  }

  async predict(id: string) {
    const input = { deploymentId: id, arguments: { features, topK: 1 } };
    return accepted((await this.client.run(PredictDocument, { input })).predict, 'prediction');
  }

  /** The artifact that a run on the local backend leaves. */
  async train(datasetVersionId: string, seed: number): Promise<string> {
    const { createTrainingRun } = await this.client.run(CreateTrainingRunDocument, {
      input: {
        moduleVersionId: this.moduleVersionId,
        datasetVersionId,
        backend: 'local',
        seed,
        arguments: { epochs: 20 },
        resources: { cpus: 0.4 },
      },
    });
    const { id } = accepted(createTrainingRun, 'trainingRun');
    const end = statesOf((await follow(this.client, id)).events).at(-1);
    if (end !== 'SUCCEEDED') throw new Error(`The run ended as ${end}.`);
    const { trainingRun } = await this.client.run(TrainingRunDocument, { id });
    return trainingRun?.artifacts.nodes.find(({ kind }) => kind === 'MODEL')?.id ?? '';
  }

  /** The states of its endpoint until it is warm for the first time. */
  async untilWarm(id: string): Promise<readonly (string | null)[]> {
    const states: (string | null)[] = [];
    for await (const { deploymentEvents } of this.client.subscribe(DeploymentEventsDocument, {
      id,
    })) {
      const { change } = deploymentEvents;
      if (change.__typename !== 'EndpointChanged') continue;
      states.push(change.to);
      // With its reason, so that a test that fails tells it.
      if (change.to === 'FAILED') return [...states, change.reason];
      if (change.warmth !== null) break;
    }
    return states;
  }

  /** Until calls go to the revision of that number. */
  async untilRevision(id: string, number: number): Promise<void> {
    let revisionId = '';
    for await (const { deploymentEvents } of this.client.subscribe(DeploymentEventsDocument, {
      id,
    })) {
      const { change } = deploymentEvents;
      if (change.__typename === 'RevisionCreated' && change.number === number) {
        ({ revisionId } = change);
      }
      if (change.__typename === 'RevisionActivated' && change.revisionId === revisionId) return;
      if (change.__typename === 'EndpointChanged' && change.to === 'FAILED') {
        throw new Error(`Its endpoint failed: ${change.reason}`);
      }
    }
    throw new Error('The deployment ended before that.');
  }

  async delete(id: string): Promise<void> {
    const input = { id };
    accepted(
      (await this.client.run(DeleteDeploymentDocument, { input })).deleteDeployment,
      'deployment',
    );
    let last = 0;
    for await (const { deploymentEvents } of this.client.subscribe(
      DeploymentEventsDocument,
      input,
    )) {
      last = deploymentEvents.sequence;
    }
    if (last === 0) throw new Error('Nothing was told of its deletion.');
  }

  #there() {
    if (this.#opened === null) throw new Error('There is no installation.');
    return this.#opened;
  }
}
