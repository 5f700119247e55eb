import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FakeCluster } from './cluster.ts';

const here = dirname(fileURLToPath(import.meta.url));

export interface FakeCommands {
  readonly cluster: FakeCluster;
  /** Settings of the backend. */
  readonly transport: object;
  readonly settings: object;
  listing(): Promise<string>;
  destroy(): Promise<void>;
}

/** A cluster that is used by its executables. */
export function fakeCommands(): FakeCommands {
  const cluster = new FakeCluster(mkdtempSync(join(tmpdir(), 'fathom-fake-slurm-')));
  return {
    cluster,
    transport: {
      kind: 'cli',
      commandFolder: join(here, 'bin'),
      environment: { FAKE_SLURM: cluster.folder, FAKE_NODE: process.execPath },
    },
    settings: {},
    listing: () => Promise.resolve(JSON.stringify(cluster.list())),
    destroy: () => Promise.resolve(cluster.destroy()),
  };
}
