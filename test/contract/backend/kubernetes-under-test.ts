import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { JobRunner } from '../../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../../backends/contract/service-runner.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { FakeKubernetes } from '../../fakes/kubernetes/server.ts';
import type { FakeKubernetesOptions } from '../../fakes/kubernetes/server.ts';
import { Dock } from '../../integration/launcher/dock.ts';
import { everyFile } from './listings.ts';
import type { DockPlace } from './kubernetes-deliveries.ts';
import { deliveriesOf, placeOf } from './kubernetes-deliveries.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import type { V1Job } from '../../../backends/kubernetes/native.ts';
import type { BackendTarget, BackendUnderTest, Requested } from './under-test.ts';
import { nativeText, submit } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface KubernetesUnderTest extends BackendUnderTest {
  readonly jobs: JobRunner;
  readonly services: ServiceRunner;
  readonly fake: FakeKubernetes;
  readonly settings: object;
  readonly sharedFolder: string;
  again(settings?: object): Promise<Backend>;
}

export const kubernetesTarget: BackendTarget = {
  name: 'kubernetes',
  create: async () => ({
    ...(await openKubernetes(
      { gpu: { models: ['Toy-GPU'] } },
      { node: { gpus: 2, labels: { 'nvidia.com/gpu.product': 'Toy-GPU' } } },
    )),
    gpu: { model: 'toy gpu', native: 'Toy-GPU' },
  }),
};

/** No folder is shared: a launcher runs beside the program, or around it. */
export async function openWithLauncher(
  where: 'BESIDE' | 'AROUND',
  settings: object = {},
  settingsOf: (launcher: string) => object = () => ({}),
): Promise<KubernetesUnderTest & { readonly dock: Dock }> {
  const dock = await Dock.open();
  const entry = [process.execPath, dock.launcher];
  const launcher =
    where === 'BESIDE'
      ? { image: 'fake/launcher:1' }
      : { path: dock.launcher, node: process.execPath };
  const images = { 'fake/launcher:1': entry };
  const gpu = { models: ['Toy-GPU'] };
  const own = { sharedFolder: null, launcher, returnGraceSeconds: 5, gpu };
  const all = { ...own, ...settings, ...settingsOf(dock.launcher) };
  const node = { gpus: 2, labels: { 'nvidia.com/gpu.product': 'Toy-GPU' } };
  const under = await openKubernetes(all, { images, node }, dock);
  return { ...under, gpu: { model: 'toy gpu', native: 'Toy-GPU' }, dock };
}

/** The backend on a cluster that is a fake, with a shared folder that is the same path for both. */
export async function openKubernetes(
  settings: object = {},
  options: Partial<FakeKubernetesOptions> = {},
  dock: Dock | null = null,
): Promise<KubernetesUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-kubernetes-'));
  const blobs = join(folder, 'blobs');
  const sharedFolder = join(folder, 'shared place');
  for (const path of [blobs, sharedFolder]) await mkdir(path);
  const fake = await FakeKubernetes.start({ claims: { shared: sharedFolder }, ...options });
  const surroundings = {
    ...localSurroundings(join(folder, 'state'), blobs, []),
    deliveries: dock === null ? null : deliveriesOf(dock),
  };
  const { token } = fake;
  const all = {
    connection: { kind: 'token', server: fake.url, token, skipTlsVerify: true },
    namespace: 'ml',
    sharedFolder: {
      path: sharedFolder,
      persistentVolumeClaim: 'shared',
      mountPath: sharedFolder,
    },
    commandImage: 'fake/commands:1',
    splitLogStreams: true,
    stopGraceSeconds: 1,
    patienceMs: 200,
    timeoutSeconds: 5,
    pollMs: 1000,
    ...settings,
  };
  const again = (more: object = {}): Promise<Backend> =>
    createBackend('kubernetes', 'cluster', { ...all, ...more }, surroundings);
  const backend = await again();
  const { jobs, services } = backend;
  if (jobs === null || services === null) throw new Error('a facet is missing');
  return {
    backend,
    jobs,
    services,
    gpu: null,
    fake,
    settings: all,
    sharedFolder,
    again,
    submitElsewhere: (workload, key) =>
      submitFromAnotherProcess(
        { blobs, settings: all, dock: dock === null ? null : placeOf(dock) },
        workload,
        key,
      ),
    requested: async (handle) =>
      requestedBy(fake.objects.get<V1Job>('jobs', nativeText(handle, 'name'))),
    waitingJob: async (workload) => {
      const gpus = { count: 9, model: null, memoryMiB: null };
      const resources = { ...workload.resources, gpus };
      return { handle: await submit(jobs, { ...workload, resources }), over: async () => {} };
    },
    shell: (script, ...argv) => ({
      kind: 'COMMAND',
      argv: ['/bin/sh', '-c', script, 'sh', ...argv],
      image: null,
    }),
    server: () => ({
      kind: 'COMMAND',
      argv: [process.execPath, join(here, 'model-server.mjs')],
      image: null,
    }),
    blob: (content) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      knownBlobs.set(sha256, content);
      return sha256;
    },
    listing: () => Promise.resolve(`${fake.listing()}\n${everyFile(folder)}`),
    destroy: async () => {
      await backend.close();
      await fake.close();
      await dock?.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function requestedBy(job: V1Job | null): Requested {
  const pod = job?.spec?.template?.spec;
  const { cpu = '', memory = '', ...more } = pod?.containers[0]?.resources?.requests ?? {};
  const gpus = Number(more['nvidia.com/gpu'] ?? 0);
  const model = pod?.nodeSelector?.['nvidia.com/gpu.product'] ?? null;
  return {
    cpus: cpu.endsWith('m') ? parseInt(cpu) / 1000 : Number(cpu),
    memoryMiB: memory.endsWith('Mi') ? parseInt(memory) : NaN,
    gpus: gpus === 0 ? null : { count: gpus, model },
  };
}

/** Runs `kubernetes-submitting-process.ts`, which submits, prints the handle and ends. */
export async function submitFromAnotherProcess(
  place: { readonly blobs: string; readonly settings: object; readonly dock: DockPlace | null },
  workload: JobWorkload,
  key: string,
): Promise<Handle> {
  const child = spawn(process.execPath, [join(here, 'kubernetes-submitting-process.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ ...place, workload, key }));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (said === '') throw new Error(`the submitting process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}
