import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../../backends/contract/backend.ts';
import { createBackend } from '../../../backends/registry.ts';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import type { DatasetVersion } from '../../../domain/dataset.ts';
import { newId } from '../../../domain/ids.ts';
import { untraced } from '../../../domain/traces.ts';
import type { ModuleVersion } from '../../../domain/module.ts';
import { defaultResources } from '../../../domain/resources.ts';
import { isTerminal } from '../../../domain/state.ts';
import { type TrainingRun, trainingRunStates } from '../../../domain/training-run.ts';
import { Datasets } from '../../../services/datasets/datasets.ts';
import { folderDigest } from '../../../services/modules/catalogue-folders.ts';
import { Reconciler } from '../../../services/reconciler/reconciler.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { SweepLook } from '../../../services/sweeps/sweep-look.ts';
import { Sweeps } from '../../../services/sweeps/sweeps.ts';
import type { CreateTrainingRun } from '../../../services/training/create-run.ts';
import { ReleaseLook } from '../../../services/training/release-look.ts';
import { RunLook } from '../../../services/training/run-look.ts';
import { TrainingRuns } from '../../../services/training/training-runs.ts';
import { WorkloadSource } from '../../../services/training/workload-source.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

/** A real store, a real blob store, the real local backend, and modules that are short scripts. */
export class TrainingSite {
  readonly folder: string;
  /** Beside the local one, behind it in the order of the configuration; closed by whoever adds them. */
  readonly others: Backend[];
  #open: Opened;

  private constructor(folder: string, others: Backend[], opened: Opened) {
    this.folder = folder;
    this.others = others;
    this.#open = opened;
  }

  static async create(settings: object = {}): Promise<TrainingSite> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-training-'));
    // The "runtime" of these modules runs the folder's own train.mjs.
    await writeFile(join(folder, 'runtime.mjs'), runtime);
    const others: Backend[] = [];
    return new TrainingSite(folder, others, await open(folder, others, settings));
  }

  get runs(): TrainingRuns {
    return this.#open.runs;
  }

  get sweeps(): Sweeps {
    return this.#open.sweeps;
  }

  get at(): Surroundings {
    return this.#open.at;
  }

  get backend(): Backend {
    return this.#open.backend;
  }

  /** Everything is closed and opened again, as after a restart; jobs go on meanwhile. */
  async reopen(settings: object = {}): Promise<void> {
    await this.#open.close();
    this.#open = await open(this.folder, this.others, settings);
  }

  async destroy(): Promise<void> {
    const { at } = this;
    for (const run of await at.store.trainingRuns.list({}, 1000)) {
      if (!isTerminal(trainingRunStates, run.state)) await this.runs.cancel(localOwner, run.id);
    }
    await this.settled();
    await this.#open.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async settled(): Promise<void> {
    const active = async () =>
      (await this.at.store.trainingRuns.list({}, 1000)).filter(
        (run) => !isTerminal(trainingRunStates, run.state),
      ).length;
    while ((await active()) > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** A module whose training is `script`: an ES module that sees `work` (its folder) and `workload`. */
  async module(script: string): Promise<ModuleVersion> {
    const now = ambient.now();
    const id = newId('Module', now, ambient.random);
    const slug = id.toLowerCase().replace('_', '-');
    const path = join(this.folder, 'modules', slug);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'train.mjs'), `${preamble}\n${script}`);
    const version = newId('ModuleVersion', now, ambient.random);
    const module = {
      ...anyModule,
      id,
      slug,
      latestVersionId: version,
      createdAt: now,
      updatedAt: now,
    };
    const entity = {
      ...anyVersion,
      id: version,
      moduleId: id,
      source: { kind: 'FOLDER', path },
      digest: await folderDigest(path),
      createdAt: now,
    } as const;
    await this.at.store.transaction(async (tx) => {
      await tx.modules.insert(module);
      await tx.moduleVersions.insert(entity);
    });
    return entity;
  }

  async data(): Promise<DatasetVersion> {
    const text = `size,kind\n${Array.from({ length: 20 }, (_, at) => `${at},${at % 2 ? 'odd' : 'even'}`).join('\n')}\n`;
    const dataset = await this.#open.datasets.seedDataset({
      name: 'numbers',
      title: 'Numbers',
      description: '',
      licence: null,
      format: 'CSV',
      target: 'kind',
      files: () =>
        Promise.resolve([{ path: 'numbers.csv', bytes: new TextEncoder().encode(text) }]),
    });
    const version = await this.at.store.datasetVersions.get(dataset.latestVersionId ?? '');
    if (version === null) throw new Error('The data set was not made.');
    return version;
  }

  async start(
    script: string,
    more: Partial<CreateTrainingRun> = {},
    actor: Actor = localOwner,
  ): Promise<TrainingRun> {
    const [version, data] = [await this.module(script), await this.data()];
    return this.runs.create(actor, {
      ...request,
      moduleVersionId: version.id,
      datasetVersionId: data.id,
      ...more,
    });
  }

  async ended(run: TrainingRun): Promise<TrainingRun> {
    const events = await this.runs.followEvents(localOwner, run.id, 0);
    for await (const event of events) if (event.sequence === 0) break;
    const after = await this.runs.getBy(localOwner, { id: run.id, number: null });
    if (after === null) throw new Error('The run is gone.');
    return after;
  }

  /** Waits until the run printed a line that contains `text`. */
  async printed(run: TrainingRun, text: string): Promise<void> {
    for await (const line of await this.runs.followLog(localOwner, run.id, 0)) {
      if (line.value.text.includes(text)) return;
    }
    throw new Error(`The run ended without printing ${text}.`);
  }
}

export const request: Omit<CreateTrainingRun, 'moduleVersionId' | 'datasetVersionId'> = {
  name: null,
  splitId: null,
  arguments: {},
  seed: null,
  resources: {},
  backend: null,
  resumeFrom: null,
  idempotencyKey: null,
};

interface Opened {
  readonly at: Surroundings;
  readonly runs: TrainingRuns;
  readonly sweeps: Sweeps;
  readonly datasets: Datasets;
  readonly backend: Backend;
  close(): Promise<void>;
}

async function open(folder: string, others: readonly Backend[], settings: object): Promise<Opened> {
  const store = await openEmbeddedStore({ folder: join(folder, 'state'), ambient });
  const blobs = await openFileBlobStore({ folder: join(folder, 'blobs') });
  const stateFolder = join(folder, 'local');
  await mkdir(stateFolder, { recursive: true });
  const backend = await createBackend(
    'local',
    'local',
    { runtime: [process.execPath, join(folder, 'runtime.mjs')], cpus: 64, ...settings },
    {
      ...ambient,
      stateFolder,
      deliveries: null,
      log: () => undefined,
      placeBlob: (sha256, path) => blobs.place(sha256, path),
    },
  );
  const at: Surroundings = {
    store,
    blobs,
    ambient,
    traces: untraced,
    log: (level, message, details) => {
      if (level === 'error') console.error(message, details);
    },
    links: { upload: (id) => id, blob: (sha256) => sha256, resolve: () => null },
    backends: {
      get: (name) => [backend, ...others].find((each) => each.name === name) ?? null,
      all: () => [backend, ...others],
    },
  };
  const datasets = new Datasets(at);
  const modules = {
    async resolveVersion(_actor: Actor, id: string) {
      const version = await store.moduleVersions.get(id);
      if (version === null) throw new Error(`no module version ${id}`);
      return version;
    },
  };
  const runs = new TrainingRuns(at, modules, datasets);
  const sweeps = new Sweeps(at, modules, datasets);
  const looks = [new RunLook(at, new WorkloadSource(at)), new ReleaseLook(at), new SweepLook(at)];
  const reconciler = new Reconciler(at, looks, 'test');
  reconciler.start();
  return {
    at,
    runs,
    sweeps,
    datasets,
    backend,
    async close() {
      await reconciler.stop();
      await backend.close();
      await blobs.close();
      await store.close();
    },
  };
}

const runtime = `
const [, , operation, ...rest] = process.argv;
const folder = rest[rest.indexOf('--module') + 1];
process.env.WORK = rest[rest.indexOf('--work') + 1];
await import('file://' + folder + '/' + operation + '.mjs');
`;

const preamble = `
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
const work = process.env.WORK;
const workload = JSON.parse(readFileSync(join(work, 'workload.json'), 'utf8'));
const say = (line) => console.log(JSON.stringify(line));
function leave(path, text) {
  mkdirSync(join(work, 'out', path, '..'), { recursive: true });
  writeFileSync(join(work, 'out', path), text);
}
`;

const anyModule = {
  version: 1,
  owner: 'system',
  visibility: 'PUBLIC',
  title: 'A script',
  summary: '',
  description: '',
  licence: null,
  tags: [],
  tasks: [],
  categories: [],
  libraries: [],
  dataTypes: [],
  links: [],
  doi: null,
  metadataFormat: 'AI4OS_V2',
  metadataVersion: null,
  metadata: {},
  findings: [],
  trainable: true,
} as const;

const anyVersion = {
  version: 1,
  name: '1.0.0',
  document: {},
  trainSchema: {
    type: 'object',
    additionalProperties: false,
    properties: { epochs: { type: 'integer', minimum: 1, default: 2 }, text: { type: 'string' } },
  },
  predictSchema: { type: 'object' },
  sample: null,
  pretrained: false,
  resources: {
    training: { ...defaultResources, cpus: 0.1, memoryMiB: 256 },
    inference: defaultResources,
  },
} as const;
