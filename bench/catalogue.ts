import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../domain/ids.ts';
import type { Module, ModuleVersion } from '../domain/module.ts';
import { defaultResources } from '../domain/resources.ts';
import type { TrainingRun } from '../domain/training-run.ts';
import { openEmbeddedStore } from '../store/embedded/embedded-store.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

export interface StateFolder {
  readonly folder: string;
  /** What makes a server use it, quietly and on a free port. */
  readonly env: Readonly<Record<string, string>>;
  /** The same state for a second server; before the first one is started. */
  copy(): Promise<StateFolder>;
  remove(): Promise<void>;
}

/** A state folder of its own; with `modules` modules that have two ended runs each. */
export async function stateFolder(modules: number): Promise<StateFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
  await mkdir(join(folder, 'no-modules'));
  if (modules > 0) await fill(join(folder, 'state'), modules);
  return open(folder, modules);
}

function open(folder: string, modules: number): StateFolder {
  return {
    folder,
    env: {
      FATHOM_STATE: join(folder, 'state'),
      FATHOM_PORT: '0',
      FATHOM_DATA_PORT: '0',
      ...(modules > 0 && { FATHOM_MODULES: join(folder, 'no-modules'), FATHOM_SEED: 'off' }),
    },
    async copy() {
      const other = await mkdtemp(join(tmpdir(), 'fathom-bench-'));
      await cp(folder, other, { recursive: true });
      return open(other, modules);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function fill(folder: string, modules: number): Promise<void> {
  const store = await openEmbeddedStore({ folder, ambient });
  for (let at = 0; at < modules; at++) {
    const now = ambient.now();
    const id = newId('Module', now, ambient.random);
    const versionId = newId('ModuleVersion', now, ambient.random);
    await store.transaction(async (tx) => {
      await tx.modules.insert(moduleAt(at, id, versionId, now));
      await tx.moduleVersions.insert(versionAt(id, versionId, now));
      for (let run = 0; run < 2; run++) {
        await tx.trainingRuns.insert(runAt(versionId, await tx.nextNumber('trainingRun'), now));
      }
    });
  }
  await store.close();
}

export function moduleAt(
  at: number,
  id: Module['id'],
  latestVersionId: ModuleVersion['id'],
  now: number,
): Module {
  return {
    id,
    version: 1,
    owner: 'system',
    visibility: 'PUBLIC',
    slug: `module-${at}`,
    title: `Module ${String(at).padStart(4, '0')}`,
    summary: 'Tells one kind of thing from another, after it has seen some of each.',
    description: '',
    licence: 'Apache-2.0',
    tags: ['deep learning', `tag-${at % 17}`],
    tasks: ['Classification'],
    categories: ['AI4 trainable'],
    libraries: ['Other'],
    dataTypes: ['Image'],
    links: [],
    doi: null,
    metadataFormat: 'AI4OS_V2',
    metadataVersion: '2.0.0',
    metadata: {},
    findings: [],
    trainable: true,
    latestVersionId,
    createdAt: now,
    updatedAt: now,
  };
}

export function versionAt(
  moduleId: Module['id'],
  id: ModuleVersion['id'],
  now: number,
): ModuleVersion {
  return {
    id,
    version: 1,
    moduleId,
    name: '1.0.0',
    digest: id,
    source: { kind: 'FOLDER', path: '/nowhere' },
    document: {},
    trainSchema: null,
    predictSchema: {},
    sample: null,
    pretrained: false,
    resources: { training: defaultResources, inference: defaultResources },
    createdAt: now,
  };
}

export function runAt(
  moduleVersionId: ModuleVersion['id'],
  number: number,
  now: number,
): TrainingRun {
  return {
    id: newId('TrainingRun', now, ambient.random),
    version: 1,
    owner: 'local',
    visibility: 'PRIVATE',
    number,
    name: `run-${number}`,
    moduleVersionId,
    datasetVersionId: newId('DatasetVersion', now, ambient.random),
    splitId: newId('Split', now, ambient.random),
    arguments: {},
    seed: 0,
    resources: defaultResources,
    requestedBackend: null,
    backend: 'local',
    resumeFrom: null,
    state: 'SUCCEEDED',
    stateSince: now,
    waiting: null,
    progress: null,
    metrics: {},
    outcome: null,
    cancelRequestedAt: null,
    observedAt: now,
    attempts: 1,
    startedAt: now,
    finishedAt: now,
    createdAt: now,
    updatedAt: now,
  };
}
