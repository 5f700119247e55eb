import type { Actor } from '../../domain/actor.ts';
import { newId, type Id, type Noun } from '../../domain/ids.ts';
import type { Module } from '../../domain/module.ts';
import { defaultResources } from '../../domain/resources.ts';
import type { Dataset, Split } from '../../domain/dataset.ts';
import type { Deployment, Prediction } from '../../domain/deployment.ts';
import { nothingEnded, type Sweep } from '../../domain/sweep.ts';
import type { Artifact, Attempt, TrainingRun } from '../../domain/training-run.ts';
import type { Entities, TableName } from '../../store/contract/table.ts';

let made = 0;

/** A new id; ids of one process sort in the order they were made. */
export function id<N extends Noun>(noun: N): Id<N> {
  made += 1;
  let rest = made;
  return newId(noun, 1_700_000_000_000 + made, () => {
    rest = (rest * 7 + 3) % 1009;
    return rest / 1009;
  });
}

export const alice: Actor = { subject: 'alice', groups: ['imaging'], system: false };
export const bob: Actor = { subject: 'bob', groups: [], system: false };

const digest = 'a'.repeat(64);

export function dataset(more: Partial<Dataset> = {}): Dataset {
  const own = id('Dataset');
  return {
    id: own,
    version: 1,
    owner: 'alice',
    visibility: 'PRIVATE',
    name: own.toLowerCase(),
    title: 'Digits',
    description: 'Handwritten digits.',
    licence: null,
    latestVersionId: null,
    format: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

export function module(more: Partial<Module> = {}): Module {
  const own = id('Module');
  return {
    id: own,
    version: 1,
    owner: 'system',
    visibility: 'PUBLIC',
    slug: own.toLowerCase(),
    title: 'A module',
    summary: '',
    description: '',
    licence: 'Apache-2.0',
    tags: [],
    tasks: [],
    categories: [],
    libraries: [],
    dataTypes: [],
    links: [],
    doi: null,
    metadataFormat: 'AI4OS_V2',
    metadataVersion: '2.0.0',
    metadata: { any: { thing: [1, null, 'ü'] } },
    findings: [],
    trainable: true,
    latestVersionId: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

export function run(more: Partial<TrainingRun> = {}): TrainingRun {
  made += 1;
  return {
    id: id('TrainingRun'),
    version: 1,
    owner: 'alice',
    visibility: 'PRIVATE',
    number: made,
    name: 'a run',
    moduleVersionId: id('ModuleVersion'),
    datasetVersionId: id('DatasetVersion'),
    splitId: id('Split'),
    arguments: { epochs: 3 },
    seed: 7,
    resources: defaultResources,
    requestedBackend: null,
    backend: null,
    resumeFrom: null,
    state: 'QUEUED',
    stateSince: 1000,
    waiting: null,
    progress: null,
    metrics: {},
    outcome: null,
    cancelRequestedAt: null,
    observedAt: null,
    attempts: 0,
    startedAt: null,
    finishedAt: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

export function split(more: Partial<Split> = {}): Split {
  return {
    id: id('Split'),
    version: 1,
    datasetVersionId: id('DatasetVersion'),
    rule: 'STRATIFIED',
    seed: 1,
    testFraction: 0.2,
    trainCount: 80,
    testCount: 20,
    sha256: digest,
    createdAt: 1000,
    ...more,
  };
}

export function prediction(more: Partial<Prediction> = {}): Prediction {
  return {
    id: id('Prediction'),
    version: 1,
    owner: 'alice',
    deploymentId: id('Deployment'),
    revisionId: id('Revision'),
    outcome: 'OK',
    message: null,
    moduleMs: 1.5,
    totalMs: 2,
    createdAt: 1000,
    ...more,
  };
}

export function attempt(more: Partial<Attempt> = {}): Attempt {
  return {
    id: id('Attempt'),
    version: 1,
    runId: id('TrainingRun'),
    number: 1,
    backend: 'local',
    key: 'run-1-1',
    handle: null,
    state: 'PLACED',
    stateSince: 1000,
    nativeState: null,
    outcome: null,
    logCursor: null,
    observedAt: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

export function artifact(more: Partial<Artifact> = {}): Artifact {
  return {
    id: id('Artifact'),
    version: 1,
    owner: 'alice',
    visibility: 'PRIVATE',
    runId: id('TrainingRun'),
    attemptId: id('Attempt'),
    kind: 'MODEL',
    name: 'model',
    epoch: null,
    files: [{ path: 'model.json', bytes: 12, sha256: digest }],
    bytes: 12,
    digest,
    lineage: {
      moduleVersionId: id('ModuleVersion'),
      datasetVersionId: id('DatasetVersion'),
      splitId: id('Split'),
      arguments: {},
      seed: 1,
    },
    metrics: { accuracy: 0.97 },
    createdAt: 1000,
    ...more,
  };
}

export function deployment(more: Partial<Deployment> = {}): Deployment {
  return {
    id: id('Deployment'),
    version: 1,
    owner: 'alice',
    visibility: 'PRIVATE',
    name: 'digits',
    state: 'ACTIVE',
    stateSince: 1000,
    requestedBackend: null,
    backend: 'local',
    replicas: 1,
    resources: defaultResources,
    activeRevisionId: null,
    latestRevisionId: id('Revision'),
    moduleVersionId: id('ModuleVersion'),
    artifactId: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

export function sweep(more: Partial<Sweep> = {}): Sweep {
  made += 1;
  return {
    id: id('Sweep'),
    version: 1,
    owner: 'alice',
    visibility: 'PRIVATE',
    number: made,
    name: 'a sweep',
    moduleVersionId: id('ModuleVersion'),
    datasetVersionId: id('DatasetVersion'),
    splitId: id('Split'),
    arguments: { epochs: 3 },
    parameters: [{ argument: 'rate', values: [0.1, 0.2], range: null }],
    strategy: 'GRID',
    trials: 2,
    objective: { metric: 'loss', goal: 'MINIMIZE' },
    seed: 7,
    resources: defaultResources,
    requestedBackend: null,
    resumeFrom: null,
    atOnce: null,
    state: 'QUEUED',
    stateSince: 1000,
    letOn: 0,
    underWay: 0,
    arrayOn: null,
    ended: nothingEnded,
    best: null,
    cancelRequestedAt: null,
    finishedAt: null,
    createdAt: 1000,
    updatedAt: 1000,
    ...more,
  };
}

/** One entity for each table. */
export function oneOfEach(): { readonly [T in TableName]: Entities[T] } {
  return {
    modules: module(),
    datasets: dataset(),
    splits: split(),
    trainingRuns: run(),
    attempts: attempt(),
    artifacts: artifact(),
    deployments: deployment(),
    predictions: prediction(),
    sweeps: sweep(),
    moduleVersions: {
      id: id('ModuleVersion'),
      version: 1,
      moduleId: id('Module'),
      name: '1.0.0',
      digest,
      source: { kind: 'FOLDER', path: 'modules/digits' },
      document: { swagger: '2.0' },
      trainSchema: null,
      predictSchema: { type: 'object' },
      sample: null,
      pretrained: true,
      resources: { training: defaultResources, inference: defaultResources },
      createdAt: 1000,
    },
    datasetVersions: {
      id: id('DatasetVersion'),
      version: 1,
      datasetId: id('Dataset'),
      number: 1,
      format: 'IDX',
      target: null,
      files: [],
      exampleCount: 0,
      labels: [],
      digest,
      defaultSplitId: id('Split'),
      createdAt: 1000,
    },
    uploads: {
      id: id('Upload'),
      version: 1,
      owner: 'alice',
      datasetId: id('Dataset'),
      path: 'train.csv',
      bytes: 10,
      sha256: digest,
      state: 'OPEN',
      stateSince: 1000,
      refusal: null,
      expiresAt: 2000,
      createdAt: 1000,
    },
    revisions: {
      id: id('Revision'),
      version: 1,
      deploymentId: id('Deployment'),
      number: 1,
      moduleVersionId: id('ModuleVersion'),
      artifactId: null,
      endpointId: id('Endpoint'),
      createdAt: 1000,
    },
    endpoints: {
      id: id('Endpoint'),
      version: 1,
      deploymentId: id('Deployment'),
      revisionId: id('Revision'),
      backend: 'local',
      key: 'end-1',
      handle: { backend: 'local' },
      state: 'COLD',
      stateSince: 1000,
      replicas: 1,
      readyReplicas: 0,
      provenReplicas: [],
      setbacks: 0,
      nativeState: null,
      waiting: null,
      warmth: null,
      failure: null,
      restarts: 0,
      placedAt: null,
      observedAt: null,
      createdAt: 1000,
      updatedAt: 1000,
    },
  };
}
