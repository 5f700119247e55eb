import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../../backends/contract/backend.ts';
import { createBackend } from '../../../backends/registry.ts';
import { type Actor, localOwner } from '../../../domain/actor.ts';
import type { Deployment, Endpoint, EndpointState } from '../../../domain/deployment.ts';
import type { DeploymentEvent, RecordedEvent } from '../../../domain/event.ts';
import { newId } from '../../../domain/ids.ts';
import { untraced } from '../../../domain/traces.ts';
import type { Json } from '../../../domain/json.ts';
import type { Module, ModuleVersion } from '../../../domain/module.ts';
import { defaultResources } from '../../../domain/resources.ts';
import { Deployments } from '../../../services/deployments/deployments.ts';
import { EndpointLook } from '../../../services/deployments/endpoint-look.ts';
import type { FunctionTimings } from '../../../services/deployments/function-serving.ts';
import type { EndpointTimings } from '../../../services/deployments/endpoint-timings.ts';
import type { CreateDeployment, UpdateDeployment } from '../../../services/deployments/requests.ts';
import type { PredictRequest } from '../../../services/inference/predict-request.ts';
import { type PredictionOptions, Predictions } from '../../../services/inference/predictions.ts';
import type { Links } from '../../../services/links.ts';
import { folderDigest } from '../../../services/modules/catalogue-folders.ts';
import { ModuleCatalogue } from '../../../services/modules/module-catalogue.ts';
import { Reconciler } from '../../../services/reconciler/reconciler.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';
import type { Store } from '../../../store/contract/store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';
import { anyModule, anyVersion, helpers, runtime } from './scripted-modules.ts';

const ambient = { now: () => Date.now(), random: () => Math.random() };

export interface SiteOptions {
  /** Of the local backend. */
  readonly settings?: object;
  readonly timings?: Partial<EndpointTimings>;
  readonly predictions?: PredictionOptions;
  readonly functions?: Partial<FunctionTimings>;
  /** Behind the local one in the order of the configuration; closed by whoever made them. */
  readonly others?: readonly Backend[];
  /** Puts something around the store. */
  readonly counted?: (store: Store) => Store;
}

/** A real store, a real blob store, the real local backend, and modules that are short scripts. */
export class ServingSite {
  readonly folder: string;
  readonly #options: SiteOptions;
  #open: Opened;

  private constructor(folder: string, options: SiteOptions, opened: Opened) {
    this.folder = folder;
    this.#options = options;
    this.#open = opened;
  }

  static async create(options: SiteOptions = {}): Promise<ServingSite> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-serving-'));
    await writeFile(join(folder, 'runtime.mjs'), runtime);
    return new ServingSite(folder, options, await open(folder, options));
  }

  get modules(): ModuleCatalogue {
    return this.#open.modules;
  }

  get deployments(): Deployments {
    return this.#open.deployments;
  }

  get predictions(): Predictions {
    return this.#open.predictions;
  }

  get at(): Surroundings {
    return this.#open.at;
  }

  get backend(): Backend {
    return this.#open.backend;
  }

  /** Everything is closed and opened again, as after a restart; servers go on meanwhile. */
  async reopen(): Promise<void> {
    await this.#open.close();
    this.#open = await open(this.folder, this.#options);
  }

  /** Nothing that a test started outlives it, whatever the test found. */
  async destroy(): Promise<void> {
    const all = await this.at.store.deployments.list({}, 1_000);
    const ends = await Promise.allSettled(
      all.map(async ({ id, state }) => {
        if (state === 'DELETED') return;
        await this.deployments.delete(localOwner, id);
        await this.until(id, ({ change }) => isDeleted(change));
      }),
    );
    for (const { handle, backend } of await this.at.store.endpoints.list({}, 1_000)) {
      if (handle !== null) await this.at.backends.get(backend)?.release(handle as never);
    }
    await this.#open.close();
    await rm(this.folder, { recursive: true, force: true });
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** A module whose server is `script`: an ES module that calls `serve({ load, predict })`, see `helpers`. */
  async module(script: string, more: Partial<ModuleVersion> = {}): Promise<ModuleVersion> {
    const now = ambient.now();
    const id = newId('Module', now, ambient.random);
    const slug = id.toLowerCase().replace('_', '-');
    const path = join(this.folder, 'modules', slug);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'serve.mjs'), `${helpers}\n${script}`);
    const version = newId('ModuleVersion', now, ambient.random);
    const times = { createdAt: now, updatedAt: now };
    const module = { ...anyModule, id, slug, latestVersionId: version, ...times } as Module;
    const entity: ModuleVersion = {
      ...anyVersion,
      id: version,
      moduleId: id,
      source: { kind: 'FOLDER', path },
      digest: await folderDigest(path),
      createdAt: now,
      ...more,
    };
    await this.at.store.transaction(async (tx) => {
      await tx.modules.insert(module);
      await tx.moduleVersions.insert(entity);
    });
    return entity;
  }

  async deploy(
    script: string,
    more: Partial<CreateDeployment> = {},
    version: Partial<ModuleVersion> = {},
    actor: Actor = localOwner,
  ): Promise<Deployment> {
    const { id: moduleVersionId } = await this.module(script, version);
    return this.deployments.create(actor, { ...createRequest, moduleVersionId, ...more });
  }

  async update(id: string, more: Partial<UpdateDeployment>): Promise<Deployment> {
    return this.deployments.update(localOwner, { ...updateRequest, id, ...more });
  }

  async predict(id: string, given: Json = {}, more: Partial<PredictRequest> = {}): Promise<Json> {
    const call = { ...predictRequest, deploymentId: id, arguments: given as never, ...more };
    return (await this.predictions.predict(localOwner, call)).output;
  }

  /** Replays the events and follows until one is as wanted; returns those so far. */
  async until(
    id: string,
    wanted: (event: {
      readonly change: DeploymentEvent;
      readonly sequence: number;
    }) => boolean | Promise<boolean>,
  ): Promise<readonly RecordedEvent<DeploymentEvent>[]> {
    const seen: RecordedEvent<DeploymentEvent>[] = [];
    for await (const event of await this.deployments.followEvents(localOwner, id, 0)) {
      seen.push(event);
      if (await wanted({ change: event.event, sequence: event.sequence })) return seen;
    }
    throw new Error('The deployment ended without the event.');
  }

  /** Waits until an endpoint of the deployment enters the state, `times` times in all. */
  async reaches(id: string, state: EndpointState, times = 1): Promise<Endpoint> {
    let count = 0;
    let endpointId = '';
    await this.until(id, ({ change }) => {
      if (change.type !== 'deployment.endpointChanged') return false;
      if (change.to === state && change.from !== state) {
        count += 1;
        endpointId = change.endpointId;
      }
      return count === times;
    });
    return this.endpoint(endpointId);
  }

  async endpoint(id: string): Promise<Endpoint> {
    const endpoint = await this.at.store.endpoints.get(id);
    if (endpoint === null) throw new Error(`There is no endpoint ${id}.`);
    return endpoint;
  }

  async deployment(id: string): Promise<Deployment> {
    const deployment = await this.deployments.get(localOwner, id);
    if (deployment === null) throw new Error(`There is no deployment ${id}.`);
    return deployment;
  }

  /** Each state an endpoint entered, in order. */
  async states(id: string, endpointId?: string): Promise<readonly EndpointState[]> {
    const events = await this.at.store.events.read(id, 0, 1_000);
    return events.flatMap(({ event }) =>
      event.type === 'deployment.endpointChanged' &&
      event.from !== event.to &&
      (endpointId === undefined || event.endpointId === endpointId)
        ? [event.to]
        : [],
    );
  }
}

/** For `expect.poll`: the machine may be busy with other tests. */
export const patient = { timeout: 15_000, interval: 50 };

export function isDeleted(change: DeploymentEvent): boolean {
  return change.type === 'deployment.stateChanged' && change.to === 'DELETED';
}

export const createRequest: CreateDeployment = {
  name: 'a deployment',
  moduleVersionId: null,
  artifactId: null,
  backend: null,
  replicas: 1,
  resources: {},
  idempotencyKey: null,
};

export const updateRequest: UpdateDeployment = {
  id: '',
  name: null,
  moduleVersionId: null,
  artifactId: null,
  replicas: null,
  expectedVersion: null,
  idempotencyKey: null,
};

export const predictRequest: PredictRequest = {
  deploymentId: '',
  arguments: {},
  files: [],
  deadlineMs: null,
  waitUntilWarmMs: null,
};

interface Opened {
  readonly at: Surroundings;
  readonly modules: ModuleCatalogue;
  readonly deployments: Deployments;
  readonly predictions: Predictions;
  readonly backend: Backend;
  close(): Promise<void>;
}

/** Links as the server gives them, without the server: `own:` and the digest. */
const links: Links = {
  upload: (id) => id,
  blob: (sha256, fileName) => `own://blob/${sha256}/${fileName}`,
  resolve: (url) => {
    const sha256 = /^own:\/\/blob\/([0-9a-f]{64})\//.exec(url)?.[1];
    return sha256 === undefined ? null : { sha256 };
  },
};

async function open(folder: string, options: SiteOptions): Promise<Opened> {
  const opened = await openEmbeddedStore({ folder: join(folder, 'state'), ambient });
  const store = options.counted?.(opened) ?? opened;
  const blobs = await openFileBlobStore({ folder: join(folder, 'blobs') });
  const stateFolder = join(folder, 'local');
  await mkdir(stateFolder, { recursive: true });
  const backend = await createBackend(
    'local',
    'local',
    {
      runtime: [process.execPath, join(folder, 'runtime.mjs')],
      cpus: 64,
      sampleMs: 50,
      stopGraceSeconds: 1,
      restart: { delayMs: 50, giveUpAfter: 3 },
      ...options.settings,
    },
    {
      ...ambient,
      stateFolder,
      deliveries: null,
      log: () => undefined,
      placeBlob: (sha256, path) => blobs.place(sha256, path),
    },
  );
  const all = [backend, ...(options.others ?? [])];
  const at: Surroundings = {
    store,
    blobs,
    ambient,
    traces: untraced,
    links,
    log: (level, message, details) => {
      if (level === 'error') console.error(message, details);
    },
    backends: { get: (name) => all.find((each) => each.name === name) ?? null, all: () => all },
  };
  const modules = new ModuleCatalogue(at, {
    folders: [],
    describe: () => Promise.reject(new Error('nothing is described here')),
  });
  const deployments = new Deployments(at, modules);
  const predictions = new Predictions(at, options.predictions);
  const timings = { warmingLookMs: 30, warmLookMs: 100, drainMs: 300, ...options.timings };
  const look = new EndpointLook(at, predictions.traffic, timings, options.functions);
  const reconciler = new Reconciler(at, [look], 'test');
  reconciler.start();
  return {
    at,
    modules,
    deployments,
    predictions,
    backend,
    async close() {
      await reconciler.stop();
      await predictions.close();
      await backend.close();
      await blobs.close();
      await store.close();
    },
  };
}

export const smallResources = { ...defaultResources, cpus: 0.1, memoryMiB: 256 };
