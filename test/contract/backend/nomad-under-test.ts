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
import { FakeNomad } from '../../fakes/nomad/server.ts';
import type { FakeNomadOptions } from '../../fakes/nomad/server.ts';
import { Dock } from '../../integration/launcher/dock.ts';
import { everyFile } from './listings.ts';
import type { DockPlace } from './kubernetes-deliveries.ts';
import { deliveriesOf, placeOf } from './kubernetes-deliveries.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import type { BackendTarget, BackendUnderTest, Requested } from './under-test.ts';
import { nativeText, submit } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));
export const mhzPerCpu = 100;

export interface NomadUnderTest extends BackendUnderTest {
  readonly jobs: JobRunner;
  readonly services: ServiceRunner;
  readonly fake: FakeNomad;
  readonly settings: object;
  readonly sharedFolder: string;
  again(settings?: object): Promise<Backend>;
  /** Nomad forgets what is dead. */
  collect(): Promise<void>;
}

export const nomadTarget: BackendTarget = { name: 'nomad', create: () => openNomad() };

/** The backend on a cluster that is a fake, with a shared folder. */
export async function openNomad(
  settings: object = {},
  options: Partial<FakeNomadOptions> = {},
  dock: Dock | null = null,
): Promise<NomadUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-nomad-'));
  const gpu = { vendor: 'fake', model: 'FAKE GPU-1', memoryMiB: 16_000, count: 2 };
  const fake = await FakeNomad.start({ folder: join(folder, 'agent'), gpu, ...options });
  const all = {
    address: fake.url,
    token: fake.token,
    namespace: 'ml',
    gpu: { device: 'fake/gpu' },
    restartDelaySeconds: 0.05,
    pollMs: 2000,
    ...settings,
  };
  const opened = await openOn({ folder, settings: all, dock });
  return {
    ...opened,
    fake,
    collect: () => Promise.resolve(fake.collect()),
    gpu: { model: gpu.model.toLowerCase(), native: gpu.model.toLowerCase() },
    requested: (handle) => Promise.resolve(requestedBy(fake.job(nativeText(handle, 'name')))),
    waitingJob: async (workload) => {
      const over = fake.occupyAll();
      return { handle: await submit(opened.jobs, workload), over: () => Promise.resolve(over()) };
    },
    listing: async () => `${fake.listing()}\n${everyFile(opened.sharedFolder)}`,
    destroy: async () => {
      await opened.backend.close();
      await fake.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** No folder is shared: the launcher brings data and results, around programs or (images) before and after them. */
export async function openWithLauncher(
  where: 'RUN' | 'BESIDE',
  more: {
    readonly images: readonly string[];
    readonly settingsOf: (launcher: string) => object;
  } = { images: [], settingsOf: () => ({}) },
): Promise<NomadUnderTest> {
  const dock = await Dock.open();
  const launcher = {
    command: [process.execPath, dock.launcher],
    image: 'fake/launcher:1',
    imageCommand: [process.execPath, dock.launcher],
    returnSeconds: 20,
  };
  const images = ['fake/launcher:1', 'fake/commands:1', ...more.images];
  const docker = where === 'RUN' ? null : { commandImage: 'fake/commands:1' };
  const settings = { launcher, docker, ...more.settingsOf(dock.launcher) };
  const under = await openNomad(settings, { images }, dock);
  return {
    ...under,
    destroy: async () => {
      await under.destroy();
      await dock.destroy();
    },
  };
}

/** What a suite needs of the backend itself, whichever Nomad there is. */
export async function openOn({
  folder,
  settings: given,
  dock,
}: {
  readonly folder: string;
  readonly settings: object;
  /** Instead of a shared folder. */
  readonly dock: Dock | null;
}) {
  const blobs = join(folder, 'blobs');
  const sharedFolder = join(folder, 'shared ${place}');
  for (const path of [blobs, sharedFolder]) await mkdir(path);
  const surroundings = {
    ...localSurroundings(join(folder, 'state'), blobs, []),
    deliveries: dock === null ? null : deliveriesOf(dock),
  };
  const settings = {
    ...(dock === null ? { sharedFolder: { path: sharedFolder } } : {}),
    mhzPerCpu,
    stopGraceSeconds: 1,
    logLimitMiB: 10,
    patienceMs: 200,
    timeoutSeconds: 5,
    ...given,
  };
  const again = (more: object = {}): Promise<Backend> =>
    createBackend('nomad', 'cluster', { ...settings, ...more }, surroundings);
  const backend = await again();
  const { jobs, services } = backend;
  if (jobs === null || services === null) throw new Error('a facet is missing');
  return {
    backend,
    jobs,
    services,
    settings,
    sharedFolder,
    again,
    submitElsewhere: (workload: JobWorkload, key: string) =>
      submitFromAnotherProcess(
        { blobs, dock: dock === null ? null : placeOf(dock), settings },
        workload,
        key,
      ),
    shell: (script: string, ...argv: string[]) =>
      ({ kind: 'COMMAND', argv: ['/bin/sh', '-c', script, 'sh', ...argv], image: null }) as const,
    server: () =>
      ({
        kind: 'COMMAND',
        argv: [process.execPath, join(here, 'model-server.mjs')],
        image: null,
      }) as const,
    blob: (content: string | Uint8Array) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      knownBlobs.set(sha256, content);
      return sha256;
    },
  };
}

/** From the job as Nomad gives it back. */
export function requestedBy(job: unknown): Requested {
  const [task] = (job as RegisteredJob | null)?.TaskGroups?.[0]?.Tasks ?? [];
  const { CPU = NaN, MemoryMB = NaN, Devices } = task?.Resources ?? {};
  const device = Devices?.[0];
  const model = device?.Constraints?.find(({ LTarget }) => LTarget === '${device.model}');
  return {
    cpus: CPU / mhzPerCpu,
    memoryMiB: MemoryMB,
    gpus:
      device === undefined
        ? null
        : { count: device.Count, model: model?.RTarget.replace(/^\(\?i\)\^|\$$/g, '') ?? null },
  };
}

interface RegisteredJob {
  readonly TaskGroups?: readonly {
    readonly Tasks?: readonly {
      readonly Resources?: {
        readonly CPU?: number;
        readonly MemoryMB?: number;
        readonly Devices?:
          | readonly {
              readonly Count: number;
              readonly Constraints?: readonly { LTarget: string; RTarget: string }[];
            }[]
          | null;
      };
    }[];
  }[];
}

/** Runs `nomad-submitting-process.ts`, which submits, prints the handle and ends. */
async function submitFromAnotherProcess(
  place: { readonly blobs: string; readonly dock: DockPlace | null; readonly settings: object },
  workload: JobWorkload,
  key: string,
): Promise<Handle> {
  const child = spawn(process.execPath, [join(here, 'nomad-submitting-process.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ ...place, workload, key }));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (said === '') throw new Error(`the submitting process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}
