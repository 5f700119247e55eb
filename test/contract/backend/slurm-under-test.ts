import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { Dock } from '../../integration/launcher/dock.ts';
import { everyCommandLine, everyFile } from './listings.ts';
import type { DockPlace } from './kubernetes-deliveries.ts';
import { deliveriesOf, placeOf } from './kubernetes-deliveries.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import type { ArrayOrder, JobsUnderTest, Requested } from './under-test.ts';
import { nativeText, submit } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** A Slurm, real or not, as far as a test needs it. */
export interface SlurmSite {
  /** Setting of the backend. */
  readonly transport: object;
  readonly settings: object;
  /** What `squeue` and `scontrol show job` would show. */
  listing(): Promise<string>;
  /** The GPU that its nodes have, at least two of them. */
  readonly gpu: { readonly model: string; readonly native: string };
  /** What Slurm was asked for. */
  requested(id: string): Promise<Requested>;
  /** The array that has the job; null for a job by itself. */
  arrayOf(id: string): Promise<string | null>;
  /** Jobs that are submitted now wait, until what it gives is called. */
  close(): Promise<() => Promise<void>>;
  /** Ends what is left and removes everything. */
  destroy(): Promise<void>;
}

export interface SlurmUnderTest extends JobsUnderTest {
  readonly sharedFolder: string;
  readonly again: (settings?: object) => Promise<Backend>;
  /** From another process, which may be killed before its `crashAt`-th change of the file system: null then. */
  readonly submitAgain: (
    workload: JobWorkload,
    key: string,
    crashAt?: number | null,
    array?: ArrayOrder,
  ) => Promise<Handle | null>;
}

/** `parent` is a folder that jobs can reach. With a dock no folder is shared, and `sharedFolder` is ours alone. */
export async function openSlurm(
  site: SlurmSite,
  settings: object = {},
  parent = tmpdir(),
  dock: Dock | null = null,
): Promise<SlurmUnderTest> {
  const folder = await mkdtemp(join(parent, 'fathom-slurm-'));
  const blobs = join(folder, 'blobs');
  const stateFolder = join(folder, 'state');
  const sharedFolder = dock === null ? join(folder, 'shared place') : stateFolder;
  for (const path of [blobs, sharedFolder]) await mkdir(path);
  const surroundings = {
    ...localSurroundings(stateFolder, blobs, []),
    deliveries: dock === null ? null : deliveriesOf(dock),
  };
  const all = {
    transport: site.transport,
    ...(dock === null ? { sharedFolder } : byLauncher(dock, folder)),
    stopGraceSeconds: 1,
    visibilitySeconds: 1,
    pollMs: 100,
    ...site.settings,
    ...settings,
  };
  const again = (more: object = {}): Promise<Backend> =>
    createBackend('slurm', 'hpc', { ...all, ...more }, surroundings);
  let program: Promise<string> | null = null;
  const submitAgain = async (
    workload: JobWorkload,
    key: string,
    crashAt: number | null = null,
    array?: ArrayOrder,
  ): Promise<Handle | null> => {
    program ??= bundleSubmitting(folder);
    const place = { blobs, stateFolder, dock: dock === null ? null : placeOf(dock) };
    const order = { ...place, settings: all, workload, key, array };
    return submitFromAnotherProcess(await program, order, crashAt);
  };
  const backend = await again();
  const { jobs } = backend;
  if (jobs === null) throw new Error('it runs no jobs');
  return {
    backend,
    jobs,
    services: null,
    gpu: backend.capabilities.gpus ? site.gpu : null,
    sharedFolder,
    again,
    submitAgain,
    submitElsewhere: async (workload, key, array) => {
      const handle = await submitAgain(workload, key, null, array);
      if (handle === null) throw new Error('the submitting process was killed');
      return handle;
    },
    requested: (handle) => site.requested(nativeText(handle, 'id')),
    arrayOf: (handle) => site.arrayOf(nativeText(handle, 'id')),
    waitingJob: async (workload) => {
      const over = await site.close();
      return { handle: await submit(jobs, workload), over };
    },
    shell: (script, ...argv) => ({
      kind: 'COMMAND',
      argv: ['/bin/sh', '-c', script, 'sh', ...argv],
      image: null,
    }),
    server: () => ({ kind: 'COMMAND', argv: ['false'], image: null }),
    blob: (content) => {
      const sha256 = createHash('sha256').update(content).digest('hex');
      knownBlobs.set(sha256, content);
      return sha256;
    },
    listing: async () => [await site.listing(), everyFile(folder), everyCommandLine()].join('\n'),
    destroy: async () => {
      const cleaner = await again();
      await releaseAll(cleaner, sharedFolder);
      await cleaner.close();
      await backend.close();
      await site.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function byLauncher(dock: Dock, folder: string): object {
  return {
    launcher: [process.execPath, dock.launcher],
    nodeFolder: join(folder, "room on no'des"),
    returnSeconds: 20,
  };
}

/** Data and results travel by the launcher. */
export async function openWithLauncher(
  site: SlurmSite,
  settings: object = {},
  parent = tmpdir(),
): Promise<SlurmUnderTest & { readonly dock: Dock }> {
  const dock = await Dock.open({ silenceMs: 6000 });
  const under = await openSlurm(site, settings, parent, dock);
  return {
    ...under,
    dock,
    destroy: async () => {
      await under.destroy();
      await dock.destroy();
    },
  };
}

async function releaseAll(backend: Backend, sharedFolder: string): Promise<void> {
  const jobs = join(sharedFolder, 'jobs');
  await Promise.all(
    readdirSync(jobs).map(async (name) => {
      const path = join(jobs, name, 'job.json');
      // A submit that was never finished.
      if (!existsSync(path)) return;
      const { id } = JSON.parse(readFileSync(path, 'utf8')) as { id: string };
      const native = { kind: 'JOB', name, id };
      await backend.release({ backend: backend.name, version: 1, native });
    }),
  );
}

/** One file of JavaScript starts in a third of the time. */
async function bundleSubmitting(folder: string): Promise<string> {
  const outfile = join(folder, 'submitting.mjs');
  await build({
    entryPoints: [join(here, 'slurm-submitting-process.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: {
      js: "import { createRequire as requireAt } from 'node:module'; const require = requireAt('/');",
    },
  });
  return outfile;
}

/** Runs `slurm-submitting-process.ts`, which submits, prints the handle and ends. */
async function submitFromAnotherProcess(
  program: string,
  order: {
    readonly blobs: string;
    readonly stateFolder: string;
    readonly dock: DockPlace | null;
    readonly settings: object;
    readonly workload: JobWorkload;
    readonly key: string;
    readonly array: ArrayOrder | undefined;
  },
  crashAt: number | null,
): Promise<Handle | null> {
  const preload = crashAt === null ? [] : ['--import', join(here, 'crash-at.mjs')];
  const child = spawn(process.execPath, [...preload, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', CRASH_AT: String(crashAt ?? 0) },
  });
  child.stdin.end(JSON.stringify(order));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const [code, signal] = await new Promise<readonly unknown[]>((resolve) =>
    child.once('close', (...end) => resolve(end)),
  );
  if (crashAt !== null && signal === 'SIGKILL') return null;
  if (said === '') throw new Error(`the submitting process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}
