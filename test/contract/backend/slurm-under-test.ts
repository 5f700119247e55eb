import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../../../backends/contract/backend.ts';
import { BackendError } from '../../../backends/contract/error.ts';
import type { ServiceRunner } from '../../../backends/contract/service-runner.ts';
import type { Handle, JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { knownBlobs, localSurroundings } from './local-surroundings.ts';
import type { BackendUnderTest } from './under-test.ts';

const here = dirname(fileURLToPath(import.meta.url));

/** A Slurm, real or not, as far as a test needs it. */
export interface SlurmSite {
  /** Setting of the backend. */
  readonly transport: object;
  readonly settings: object;
  /** What `squeue` and `scontrol show job` would show. */
  listing(): Promise<string>;
  /** Ends what is left and removes everything. */
  destroy(): Promise<void>;
}

export interface SlurmUnderTest extends BackendUnderTest {
  readonly sharedFolder: string;
  again(settings?: object): Promise<Backend>;
  submitAgain(settings: object, workload: JobWorkload, key: string): Promise<Handle>;
}

/** `parent` is a folder that jobs can reach. */
export async function openSlurm(
  site: SlurmSite,
  settings: object = {},
  parent = tmpdir(),
): Promise<SlurmUnderTest> {
  const folder = await mkdtemp(join(parent, 'fathom-slurm-'));
  const blobs = join(folder, 'blobs');
  const sharedFolder = join(folder, 'shared place');
  for (const path of [blobs, sharedFolder]) await mkdir(path);
  const surroundings = localSurroundings(join(folder, 'state'), blobs, []);
  const all = {
    transport: site.transport,
    sharedFolder,
    stopGraceSeconds: 1,
    visibilitySeconds: 1,
    pollMs: 100,
    ...site.settings,
    ...settings,
  };
  const again = (more: object = {}): Promise<Backend> =>
    createBackend('slurm', 'hpc', { ...all, ...more }, surroundings);
  const submitAgain = (more: object, workload: JobWorkload, key: string): Promise<Handle> =>
    submitFromAnotherProcess({ blobs, settings: { ...all, ...more } }, workload, key);
  const backend = await again();
  if (backend.jobs === null) throw new Error('it runs no jobs');
  return {
    backend,
    jobs: backend.jobs,
    services: noServices,
    sharedFolder,
    again,
    submitAgain,
    submitElsewhere: (workload, key) => submitAgain({}, workload, key),
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

const noServices: ServiceRunner = {
  deploy: unsupported,
  status: unsupported,
  watch: unsupported,
  scale: unsupported,
  invoke: unsupported,
  logs: unsupported,
};

function unsupported(): never {
  throw new BackendError('Unsupported', 'deploy', 'A batch system runs no servers.');
}

async function releaseAll(backend: Backend, sharedFolder: string): Promise<void> {
  const jobs = join(sharedFolder, 'jobs');
  await Promise.all(
    readdirSync(jobs).map(async (name) => {
      const native = JSON.parse(readFileSync(join(jobs, name, 'job.json'), 'utf8').toString()) as {
        id: string;
      };
      const handle = { kind: 'JOB', name, id: native.id };
      await backend.release({ backend: backend.name, version: 1, native: handle });
    }),
  );
}

/** Runs `slurm-submitting-process.ts`, which submits, prints the handle and ends. */
async function submitFromAnotherProcess(
  place: { readonly blobs: string; readonly settings: object },
  workload: JobWorkload,
  key: string,
): Promise<Handle> {
  const child = spawn(process.execPath, [join(here, 'slurm-submitting-process.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ ...place, workload, key }));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (said === '') throw new Error(`the submitting process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}

function everyFile(folder: string): string {
  const texts: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    texts.push(path);
    if (entry.isDirectory()) texts.push(everyFile(path));
    else if (entry.isFile()) texts.push(readFileSync(path, 'utf8'));
  }
  return texts.join('\n');
}

function everyCommandLine(): string {
  const lines: string[] = [];
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    if (pid === String(process.pid)) continue;
    try {
      lines.push(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    } catch {
      // Gone.
    }
  }
  return lines.join('\n');
}
