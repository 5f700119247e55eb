import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeCluster } from './cluster.ts';
import { FakeSlurmrestd } from './rest-server.ts';
import { requestedBy } from './requested.ts';
import type { FakeRequest } from './requested.ts';
import type { RestShapes } from './rest-shapes.ts';

const gpu = { model: 'NVIDIA A100-PCIE-40GB', native: 'a100' } as const;

const here = dirname(fileURLToPath(import.meta.url));

export interface FakeSite {
  readonly cluster: FakeCluster;
  /** Settings of the backend. */
  readonly transport: object;
  readonly settings: object;
  readonly gpu: typeof gpu;
  listing(): Promise<string>;
  requested(id: string): Promise<FakeRequest>;
  /** The array that has the job; null for a job by itself. */
  arrayOf(id: string): Promise<string | null>;
  close(): Promise<() => Promise<void>>;
  destroy(): Promise<void>;
}

/** A cluster that is used by its executables. */
export function fakeCommands(): FakeCommands {
  const commandFolder = join(here, 'bin');
  const cluster = new FakeCluster(mkdtempSync(join(tmpdir(), 'fathom-fake-slurm-')));
  return {
    cluster,
    commandFolder,
    transport: {
      kind: 'cli',
      commandFolder,
      environment: { FAKE_SLURM: cluster.folder, FAKE_NODE: process.execPath },
    },
    ...siteOf(cluster),
    destroy: () => Promise.resolve(cluster.destroy()),
  };
}

export interface FakeCommands extends FakeSite {
  readonly commandFolder: string;
}

export interface FakeRest extends FakeSite {
  readonly server: FakeSlurmrestd;
  readonly url: string;
}

/** A cluster behind slurmrestd, at a port or (`atSocket`) a socket. */
export async function fakeRest(shapes: RestShapes, atSocket = false): Promise<FakeRest> {
  const cluster = new FakeCluster(mkdtempSync(join(tmpdir(), 'fathom-fake-slurm-')));
  const server = new FakeSlurmrestd(cluster, shapes);
  const keyFile = join(cluster.folder, 'jwt.key');
  writeFileSync(keyFile, server.key);
  const url = await server.listen(atSocket ? join(cluster.folder, 'rest.sock') : null);
  return {
    cluster,
    server,
    url,
    transport: { kind: 'rest', url, user: 'alice', credentials: { keyFile } },
    ...siteOf(cluster),
    destroy: async () => {
      await server.close();
      cluster.destroy();
    },
  };
}

function siteOf(
  cluster: FakeCluster,
): Pick<FakeSite, 'settings' | 'gpu' | 'listing' | 'requested' | 'arrayOf' | 'close'> {
  return {
    settings: {
      gpus: [{ gres: gpu.native, model: gpu.model, memoryMiB: 40_960 }],
      srun: [join(here, 'bin', 'srun')],
    },
    gpu,
    listing: () => Promise.resolve(JSON.stringify(cluster.list())),
    requested: async (id) => requestedBy(cluster.list().find((job) => job.key === id)?.asked),
    arrayOf: async (id) => {
      const found = cluster.list().find((job) => job.key === id);
      return found?.arrayId == null ? null : String(found.arrayId);
    },
    close: async () => {
      cluster.holdNewJobs();
      return async () => cluster.takeNewJobs();
    },
  };
}
