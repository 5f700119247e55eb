import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { localOwner } from '../../../domain/actor.ts';
import { newId } from '../../../domain/ids.ts';
import { isTerminal } from '../../../domain/state.ts';
import { trainingRunStates } from '../../../domain/training-run.ts';
import * as iris from '../../../modules/data/iris.ts';
import { logStream } from '../../../services/training/work-kinds.ts';
import { readConfig } from '../../../server/config.ts';
import { type Installation, openInstallation } from '../../../server/installation.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };

/** An installation with one of everything, and nobody at work, so that nothing changes by itself. */
export interface Seeded {
  readonly installation: Installation;
  /** What operations of the corpus name as variables. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Stops what runs and removes everything. */
  close(): Promise<void>;
}

export async function seededInstallation(): Promise<Seeded> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-differential-'));
  const config = readConfig(root, { FATHOM_STATE: join(folder, 'state'), FATHOM_SEED: 'off' });
  const open = (): Promise<Installation> =>
    openInstallation({
      config,
      root,
      log: () => undefined,
      dataUrl: () => 'http://bytes.test',
      access: 'exclusive',
    });
  const first = await open();
  let values: Seeded['values'];
  try {
    values = await fill(first);
  } finally {
    // What it serves goes on.
    await first.close();
  }
  const installation = await open();
  return {
    installation,
    values,
    async close() {
      const { at } = installation;
      for (const { handle, backend } of await at.store.endpoints.list({}, 100)) {
        if (handle !== null) await at.backends.get(backend)?.release(handle as never);
      }
      await installation.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}

async function fill(installation: Installation): Promise<Seeded['values']> {
  const { at, services } = installation;
  const { modules, datasets, trainingRuns, deployments, predictions } = services;
  await modules.refresh(localOwner);
  const module = await at.store.modules.find({ where: { slug: 'tabular-classifier' } });
  const moduleVersionId = module?.latestVersionId ?? '';
  const { name, title, licence, format, target } = iris;
  const dataset = await datasets.seedDataset({
    ...{ name, title, licence, format, target },
    description: '*Three* species.',
    files: () => iris.files({ limit: 60 }),
  });
  const version = await at.store.datasetVersions.get(dataset.latestVersionId ?? '');
  const own = await datasets.create(localOwner, {
    name: 'mine',
    title: 'Mine',
    description: '',
    licence: null,
    visibility: 'PRIVATE',
    idempotencyKey: null,
  });
  const [upload] = await datasets.uploads.create(localOwner, {
    datasetId: own.id,
    files: [{ path: 'a/b.csv', bytes: 5, sha256: 'ab'.repeat(32) }],
    idempotencyKey: null,
  });
  const run = await trainingRuns.create(localOwner, {
    name: 'seeded',
    moduleVersionId,
    datasetVersionId: version?.id ?? '',
    splitId: null,
    arguments: { epochs: 2 },
    seed: 7,
    resources: {},
    backend: null,
    resumeFrom: null,
    idempotencyKey: null,
  });
  // Its module prints nothing but numbers; a log has other lines, too.
  const lines = ['reading', 'é \u001b[1mbold\u001b[0m', ''].map((text) => ({
    ...{ at: at.ambient.now(), stream: 'STDOUT', text, attempt: 1 },
  }));
  await at.store.transaction((tx) => tx.streams.append(logStream(run.id), lines));
  await installation.lookAfterWork();
  await until(async () => {
    const now = await at.store.trainingRuns.get(run.id);
    return now !== null && isTerminal(trainingRunStates, now.state);
  });
  const sweep = await services.sweeps.create(localOwner, {
    name: 'seeded',
    moduleVersionId,
    datasetVersionId: version?.id ?? '',
    splitId: null,
    arguments: {},
    space: {
      strategy: 'GRID',
      parameters: [{ argument: 'epochs', values: [1, 2], range: null }],
      trials: null,
    },
    objective: { metric: 'testAccuracy', goal: 'MAXIMIZE' },
    atOnce: null,
    seed: 7,
    resources: {},
    backend: null,
    resumeFrom: null,
    idempotencyKey: null,
  });
  await until(async () => (await at.store.sweeps.get(sweep.id))?.finishedAt != null);
  const [attempt] = await at.store.attempts.list({ where: { runId: run.id } }, 1);
  const model = await at.store.artifacts.find({ where: { runId: run.id, kind: 'MODEL' } });
  const deploy = (called: string) =>
    deployments.create(localOwner, {
      name: called,
      moduleVersionId: null,
      artifactId: model?.id ?? '',
      backend: null,
      replicas: 1,
      resources: {},
      idempotencyKey: null,
    });
  const gone = await deploy('gone');
  await deployments.delete(localOwner, gone.id);
  const kept = await deploy('kept');
  const predicted = await predictions.predict(localOwner, {
    deploymentId: kept.id,
    arguments: { features, topK: 1 },
    files: [],
    deadlineMs: null,
    waitUntilWarmMs: 30_000,
  });
  await until(async () => (await at.store.deployments.get(gone.id))?.state === 'DELETED');
  const revision = await at.store.revisions.get(predicted.prediction.revisionId);
  const unknown = (noun: 'TrainingRun' | 'Deployment' | 'Upload' | 'Dataset' | 'Sweep'): string =>
    newId(noun, at.ambient.now(), () => 0.5);
  return {
    moduleId: module?.id,
    moduleVersionId,
    datasetId: dataset.id,
    ownDatasetId: own.id,
    datasetVersionId: version?.id,
    splitId: version?.defaultSplitId,
    uploadId: upload?.id,
    runId: run.id,
    attemptId: attempt?.id,
    artifactId: model?.id,
    sweepId: sweep.id,
    deploymentId: kept.id,
    goneDeploymentId: gone.id,
    revisionId: revision?.id,
    endpointId: revision?.endpointId,
    predictionId: predicted.prediction.id,
    unknownRunId: unknown('TrainingRun'),
    unknownDeploymentId: unknown('Deployment'),
    unknownSweepId: unknown('Sweep'),
    unknownUploadId: unknown('Upload'),
    unknownDatasetId: unknown('Dataset'),
    features,
    yes: true,
    no: false,
  };
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + 60_000;
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error('The seed did not come to its end.');
    await sleep(50);
  }
}
