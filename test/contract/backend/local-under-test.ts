import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { JobRunner } from '../../../backends/contract/job-runner.ts';
import type { ServiceRunner } from '../../../backends/contract/service-runner.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { everyCommandLine, everyFile } from './listings.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import type { BackendTarget, BackendUnderTest, Requested } from './under-test.ts';
import { nativeText, submit } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** Quick to stop, quick to look; not quick to give up on a server that a loaded machine starts slowly. */
export const quickSettings = {
  cpus: 64,
  memoryMiB: 64 * 1024,
  gpus: 'none',
  stopGraceSeconds: 1,
  sampleMs: 50,
  loadTimeoutSeconds: 20,
  patienceMs: 200,
  restart: { delayMs: 20, delayMaximumMs: 100, giveUpAfter: 3 },
} as const;

export interface LocalUnderTest extends BackendUnderTest {
  readonly jobs: JobRunner;
  readonly services: ServiceRunner;
  readonly folder: string;
  readonly settings: object;
  readonly log: readonly string[];
  again(settings?: object): Promise<Backend>;
}

/** Listed, not found: nothing of the suite needs a real one. */
const toyGpus = [0, 1].map((index) => ({ index, model: 'Toy GPU', memoryMiB: 1024 }));

export const localTarget: BackendTarget = {
  name: 'local',
  create: async () => ({
    ...(await openLocal({ gpus: toyGpus })),
    gpu: { model: 'toy gpu', native: 'Toy GPU' },
  }),
};

export async function openLocal(settings: object = {}): Promise<LocalUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-local-'));
  const blobs = join(folder, 'blobs');
  await mkdir(blobs);
  const stateFolder = join(folder, 'state');
  const log: string[] = [];
  const surroundings = localSurroundings(stateFolder, blobs, log);
  const supervisor = [process.execPath, await buildSupervisor(folder)];
  const all = { ...quickSettings, supervisor, ...settings };
  const again = (more: object = {}): Promise<Backend> =>
    createBackend('local', 'here', { ...all, ...more }, surroundings);
  const backend = await again();
  const { jobs, services } = backend;
  if (jobs === null || services === null) throw new Error('a facet is missing');
  return {
    backend,
    jobs,
    services,
    gpu: null,
    folder: stateFolder,
    settings: all,
    log,
    again,
    submitElsewhere: (workload, key) =>
      submitElsewhere({ stateFolder, blobs, settings: all }, workload, key),
    requested: async (handle) => requestedOf(stateFolder, handle),
    waitingJob: async (workload) => {
      const resources = { ...workload.resources, cpus: quickSettings.cpus + 1 };
      const handle = await submit(jobs, { ...workload, resources });
      return { handle, over: async () => {} };
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
    listing: () => Promise.resolve(`${everyFile(folder)}\n${everyCommandLine()}`),
    destroy: async () => {
      const cleaner = await again();
      await releaseAll(cleaner, stateFolder);
      await cleaner.close();
      await backend.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What was recorded for the supervisor, and the devices that were set aside. */
function requestedOf(stateFolder: string, handle: Handle): Requested {
  const read = (file: string): unknown =>
    JSON.parse(readFileSync(join(stateFolder, 'jobs', nativeText(handle, 'name'), file), 'utf8'));
  const { resources } = read('record.json') as Pick<JobWorkload, 'resources'>;
  const { gpus } = read('grant.json') as { readonly gpus: readonly number[] };
  const model = toyGpus.find(({ index }) => gpus.includes(index))?.model ?? null;
  const { cpus, memoryMiB } = resources;
  return { cpus, memoryMiB, gpus: gpus.length === 0 ? null : { count: gpus.length, model } };
}

/** As it is shipped: one file of JavaScript, which starts in a third of the time. */
async function buildSupervisor(folder: string): Promise<string> {
  const outfile = join(folder, 'supervisor.mjs');
  const source = join(here, '../../../backends/local/supervisor.ts');
  await build({ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'esm' });
  return outfile;
}

export async function releaseAll(backend: Backend, stateFolder: string): Promise<void> {
  for (const [folder, kind] of [
    ['jobs', 'JOB'],
    ['services', 'SERVICE'],
  ] as const) {
    for (const name of readdirSync(join(stateFolder, folder))) {
      await backend.release({ backend: backend.name, version: 1, native: { kind, name } });
    }
  }
}

/** Runs `submitting-process.ts`, which submits, prints the handle and ends (or is killed by itself). */
export async function submitElsewhere(
  place: {
    /** Of backend; default: `local`, `here`. */
    readonly type?: string;
    readonly name?: string;
    readonly stateFolder: string;
    readonly blobs: string;
    readonly settings: object;
  },
  workload: JobWorkload,
  key: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Handle> {
  const child = spawn(process.execPath, [join(here, 'submitting-process.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  child.stdin.end(JSON.stringify({ ...place, workload, key }));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (said === '') throw new Error(`the submitting process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}
