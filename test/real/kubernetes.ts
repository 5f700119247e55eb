import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Backend } from '../../backends/contract/backend.ts';
import type { JobRunner } from '../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../backends/contract/service-runner.ts';
import type { Handle, Program } from '../../backends/contract/workload.ts';
import type { V1Job } from '../../backends/kubernetes/native.ts';
import { createBackend } from '../../backends/registry.ts';
import { deliveriesOf, placeOf } from '../contract/backend/kubernetes-deliveries.ts';
import {
  requestedBy,
  submitFromAnotherProcess,
} from '../contract/backend/kubernetes-under-test.ts';
import { knownBlobs, localSurroundings } from '../contract/backend/local-surroundings.ts';
import type { BackendUnderTest } from '../contract/backend/under-test.ts';
import { Dock } from '../integration/launcher/dock.ts';
import { nativeText, submit } from '../contract/backend/under-test.ts';
import { modelServerInContainer, shellInContainer } from './in-container.ts';

export interface RealKubernetes extends BackendUnderTest {
  readonly jobs: JobRunner;
  readonly services: ServiceRunner;
  readonly settings: object;
  again(settings?: object): Promise<Backend>;
  kubectl(...args: readonly string[]): Promise<string>;
}

/** The variables that say where the cluster is and what it has; `backends/kubernetes/README.md` lists them for people. */
export const cluster = {
  namespace: variable('NAMESPACE') ?? 'default',
  image: variable('IMAGE') ?? 'busybox:1.36',
  nodeImage: variable('NODE_IMAGE') ?? 'node:24-alpine',
  shared: sharedFolder(),
  gpu: variable('GPU'),
  /** Of `modules/Containerfile`; there is `deephdc/stand-in:1` as well, see `test/contract/backend/stock-images.ts`. */
  runtimeImage: variable('RUNTIME_IMAGE'),
  launcherImage: variable('LAUNCHER_IMAGE'),
  launcherPath: variable('LAUNCHER_PATH'),
  dataHost: variable('DATA_HOST'),
  kueue: variable('KUEUE'),
  restart: variable('RESTART'),
  splitStreams: variable('SPLIT_STREAMS') === '1',
} as const;

const port = 5000;

/** The backend on the cluster of KUBECONFIG. What is made here, and nothing else, is removed at the end. */
export async function openRealKubernetes(
  more: object = {},
  dock: Dock | null = null,
): Promise<RealKubernetes> {
  if (process.env['KUBECONFIG'] === undefined) {
    throw new Error('KUBECONFIG must be set to test against a cluster.');
  }
  const { namespace, shared, gpu } = cluster;
  const folder = await mkdtemp(join(shared?.path ?? tmpdir(), 'fathom-test-'));
  const blobs = join(folder, 'blobs');
  await mkdir(blobs);
  const surroundings = {
    ...localSurroundings(join(folder, 'state'), blobs, []),
    deliveries: dock === null ? null : deliveriesOf(dock),
  };
  const settings = {
    namespace,
    commandImage: cluster.image,
    imagePullPolicy: 'IfNotPresent',
    splitLogStreams: cluster.splitStreams,
    stopGraceSeconds: 1,
    // The cluster waits longer after each end.
    giveUpAfter: 2,
    servicePort: port,
    ...(gpu === null ? {} : { gpu: { models: [gpu] } }),
    ...(shared === null || dock !== null ? {} : { sharedFolder: shared }),
    ...more,
  };
  const again = (other: object = {}): Promise<Backend> =>
    createBackend('kubernetes', 'cluster', { ...settings, ...other }, surroundings);
  const backend = await again();
  const { jobs, services } = backend;
  if (jobs === null || services === null) throw new Error('a facet is missing');
  const place = dock === null ? null : placeOf(dock, cluster.dataHost ?? undefined);
  // Others may use the namespace, also through Fathom.
  const made: Handle[] = [];
  const kept = (handle: Handle): Handle => {
    made.push(handle);
    return handle;
  };
  const kubectl = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)('kubectl', ['-n', namespace, ...args], { maxBuffer: 2 ** 28 }))
      .stdout;
  const ours = ['-l', 'app.kubernetes.io/managed-by=fathom'];
  const keeping: JobRunner = {
    submit: async (workload, options) => kept(await jobs.submit(workload, options)),
    inspect: (handle) => jobs.inspect(handle),
    watch: (handle, signal) => jobs.watch(handle, signal),
    logs: (handle, options) => jobs.logs(handle, options),
    cancel: (handle) => jobs.cancel(handle),
    outputs: (handle) => jobs.outputs(handle),
  };
  const serving: ServiceRunner = {
    deploy: async (workload, options) => kept(await services.deploy(workload, options)),
    status: (handle) => services.status(handle),
    watch: (handle, signal) => services.watch(handle, signal),
    scale: (handle, replicas) => services.scale(handle, replicas),
    invoke: (handle, request, options) => services.invoke(handle, request, options),
    logs: (handle, options) => services.logs(handle, options),
  };
  return {
    backend,
    jobs: keeping,
    services: serving,
    settings,
    kubectl,
    gpu: gpu === null ? null : { model: gpu.toLowerCase(), native: gpu },
    again,
    requested: async (handle) => {
      const found = await kubectl('get', 'job', nativeText(handle, 'name'), '-o', 'json');
      return requestedBy(JSON.parse(found) as V1Job);
    },
    // The node counts from when it heard of the pod.
    startSeconds: 20,
    // More than any node has.
    waitingJob: async (workload) => {
      const resources = { ...workload.resources, cpus: 4096 };
      return { handle: await submit(keeping, { ...workload, resources }), over: async () => {} };
    },
    submitElsewhere: async (workload, key) =>
      kept(await submitFromAnotherProcess({ blobs, settings, dock: place }, workload, key)),
    shell: shellInContainer,
    server: () => ({
      kind: 'COMMAND',
      argv: ['node', '--input-type=module', '-e', modelServerInContainer(String(port))],
      image: cluster.nodeImage,
    }),
    blob: (content) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      knownBlobs.set(sha256, content);
      return sha256;
    },
    listing: () => kubectl('get', 'jobs,deployments,pods', '-o', 'yaml', ...ours),
    destroy: async () => {
      await Promise.all(made.map((handle) => backend.release(handle)));
      await backend.close();
      // Other instances submitted as well.
      for (const kind of ['job', 'deployment']) {
        const found = JSON.parse(await kubectl('get', kind, '-o', 'json', ...ours)) as Found;
        for (const { metadata } of found.items) {
          const key = metadata.annotations?.['fathom/key'] ?? '';
          if (!key.startsWith(`contract ${process.pid} `)) continue;
          await kubectl('delete', kind, metadata.name);
          if (shared === null) continue;
          const place = join(shared.path, kind === 'job' ? 'jobs' : 'services', metadata.name);
          await rm(place, { recursive: true, force: true });
        }
      }
      await dock?.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Found {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly annotations?: { readonly [name: string]: string };
    };
  }[];
}

/** Where no folder is shared. The launcher of the cluster's image talks to a dock of this process. */
export async function openWithLauncher(
  where: 'BESIDE' | 'AROUND',
  others: object = {},
): Promise<RealKubernetes> {
  const { launcherImage: image, launcherPath: path, dataHost } = cluster;
  if (image === null || dataHost === null) throw new Error('there is no image of the launcher');
  const dock = await Dock.open({}, dataHost);
  const more =
    where === 'BESIDE' ? { launcher: { image } } : { launcher: { path }, commandImage: image };
  const under = await openRealKubernetes({ ...more, returnGraceSeconds: 20, ...others }, dock);
  if (where === 'BESIDE') return under;
  // The launcher is the first process here.
  const shell = (script: string, ...argv: string[]): Program => ({
    kind: 'COMMAND',
    argv: ['/bin/sh', '-c', script, 'sh', ...argv],
    image: null,
  });
  return { ...under, shell };
}

function sharedFolder(): { readonly path: string; readonly persistentVolumeClaim: string } | null {
  const path = variable('FOLDER');
  const persistentVolumeClaim = variable('CLAIM');
  if (path === null && persistentVolumeClaim === null) return null;
  if (path !== null && persistentVolumeClaim !== null) return { path, persistentVolumeClaim };
  throw new Error('FATHOM_KUBERNETES_FOLDER and FATHOM_KUBERNETES_CLAIM are set together.');
}

function variable(name: string): string | null {
  return process.env[`FATHOM_KUBERNETES_${name}`] ?? null;
}
