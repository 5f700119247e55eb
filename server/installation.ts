import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../backends/contract/backend.ts';
import { createBackend } from '../backends/registry.ts';
import type { Ambient } from '../domain/ambient.ts';
import { untraced } from '../domain/traces.ts';
import { EndpointLook } from '../services/deployments/endpoint-look.ts';
import { Deployments } from '../services/deployments/deployments.ts';
import { Datasets } from '../services/datasets/datasets.ts';
import { UploadLook } from '../services/datasets/upload-look.ts';
import { Predictions } from '../services/inference/predictions.ts';
import { ModuleCatalogue } from '../services/modules/module-catalogue.ts';
import { Nodes } from '../services/nodes.ts';
import { Reconciler } from '../services/reconciler/reconciler.ts';
import type { Services } from '../services/services.ts';
import type { Surroundings } from '../services/surroundings.ts';
import { SweepLook } from '../services/sweeps/sweep-look.ts';
import { Sweeps } from '../services/sweeps/sweeps.ts';
import { ReleaseLook } from '../services/training/release-look.ts';
import { RunLook } from '../services/training/run-look.ts';
import { TrainingRuns } from '../services/training/training-runs.ts';
import { WorkloadSource } from '../services/training/workload-source.ts';
import { openFileBlobStore } from '../storage/files/blob-store.ts';
import type { Config } from './config.ts';
import { Deliveries } from './data-plane/deliveries/deliveries.ts';
import { createLinks, type SignedLinks } from './data-plane/links.ts';
import { moduleDescriber } from './describe-module.ts';
import { Duty } from './duty.ts';
import { openStore } from './open-store.ts';
import { SharedTraffic } from './shared-traffic.ts';
import { openTelemetryTraces } from './telemetry/spans.ts';
import { tracedBackend } from './telemetry/traced-backend.ts';
import { workOfMany, workOfOne } from './work.ts';

export interface Installation {
  readonly at: Surroundings;
  readonly links: SignedLinks;
  readonly deliveries: { readonly desk: Deliveries; readonly links: SignedLinks };
  readonly services: Services;
  /** Whether this process looks after the work. */
  readonly isOnDuty: () => boolean;
  /** Looks after the work, with a file as the store when no other process does; resolves when it is known whether we do. */
  lookAfterWork(): Promise<void>;
  close(): Promise<void>;
}

export interface InstallationRequest {
  readonly config: Config;
  readonly root: string;
  readonly log: Surroundings['log'];
  /** Where bytes are taken and given; asked for each link. */
  readonly dataUrl: () => string;
  /** Whether other processes may have the state folder too. */
  readonly access: 'exclusive' | 'shared';
}

/**
 * Opens everything that a state folder holds and wires the use cases to it. Nothing is served and nothing dispatched yet.
 * Rejects with StoreUnusableError when another process stands in the way.
 */
export async function openInstallation(request: InstallationRequest): Promise<Installation> {
  const { config, root, log, access } = request;
  const ambient: Ambient = { now: () => Date.now(), random: () => Math.random() };
  const runtime = [process.execPath, join(root, 'modules', 'runtime', 'main.ts')];
  await mkdir(config.stateFolder, { recursive: true, mode: 0o700 });
  // First, because it is what refuses a second server on the same folder.
  const store = await openStore(config, ambient, access);
  const blobs = await openFileBlobStore({ folder: join(config.stateFolder, 'storage') });
  const secret = await readSecret(config.stateFolder);
  const signing = { secret, ambient, lifetimeSeconds: 3600 };
  const links = createLinks({ ...signing, baseUrl: request.dataUrl });
  const deliveries = {
    desk: new Deliveries({
      folder: join(config.stateFolder, 'deliveries'),
      secret,
      baseUrl: () => config.sites?.url ?? request.dataUrl(),
      ambient,
      isStored: (sha256) => blobs.has(sha256),
    }),
    // A site may know the server by another address than people do; `<base>/deliveries/<id>/manifest` leads to both.
    links: createLinks({ ...signing, baseUrl: () => '../..' }),
  };
  const isTraced = config.tracesUrl !== null;
  const traces = isTraced ? openTelemetryTraces() : untraced;
  const backends = new Map<string, Backend>();
  const duty = new Duty(join(config.stateFolder, 'worker.lock'), log);
  for (const { name, type, settings } of config.backends) {
    const stateFolder = join(config.stateFolder, 'backends', name);
    await mkdir(stateFolder, { recursive: true });
    const surroundings = {
      ...ambient,
      placeBlob: (sha256: string, path: string) => blobs.place(sha256, path),
      mayDispatch: () => duty.isOn,
      stateFolder,
      deliveries: deliveries.desk.forBackend(name),
      traceparent: () => traces.current(),
      log,
    };
    const defaults = type === 'local' ? { runtime } : {};
    const given = { ...defaults, ...(settings as object) };
    const backend = await createBackend(type, name, given, surroundings);
    backends.set(name, isTraced ? tracedBackend(backend) : backend);
  }
  const at: Surroundings = {
    store,
    blobs,
    links,
    ambient,
    traces,
    log,
    backends: { get: (name) => backends.get(name) ?? null, all: () => [...backends.values()] },
  };
  const modules = new ModuleCatalogue(at, {
    folders: config.moduleFolders,
    describe: moduleDescriber(runtime),
  });
  const datasets = new Datasets(at);
  const deployments = new Deployments(at, modules);
  const traffic = new SharedTraffic(join(config.stateFolder, 'traffic'), () => ambient.now());
  const predictions = new Predictions(at, { traffic });
  const services: Services = {
    modules,
    datasets,
    trainingRuns: new TrainingRuns(at, modules, datasets),
    sweeps: new Sweeps(at, modules, datasets),
    deployments,
    predictions,
    nodes: new Nodes(at),
  };
  const looks = [
    new RunLook(at, new WorkloadSource(at)),
    new ReleaseLook(at),
    new SweepLook(at),
    new EndpointLook(at, traffic),
    new UploadLook(datasets.uploads),
  ];
  const reconciler = new Reconciler(at, looks, `${hostname()}:${process.pid}:${randomUUID()}`);
  const work =
    config.databaseUrl === null ? workOfOne(store, reconciler, duty) : workOfMany(reconciler, duty);
  return {
    at,
    links,
    deliveries,
    services,
    isOnDuty: () => work.isOn,
    lookAfterWork: () => work.start(),
    async close() {
      await work.stop();
      await predictions.close();
      traffic.close();
      await Promise.all([...backends.values()].map((backend) => backend.close()));
      await blobs.close();
      await store.close();
    },
  };
}

/** Signs URLs; made once, so that they outlive a restart, and whole, for several processes may look for it at once. */
async function readSecret(folder: string): Promise<Buffer> {
  const path = join(folder, 'secret');
  const partial = `${path}.${randomUUID()}`;
  await writeFile(partial, randomBytes(32), { mode: 0o600 });
  try {
    await link(partial, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(partial, { force: true });
  }
  return readFile(path);
}
