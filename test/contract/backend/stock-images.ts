import { createServer, type AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import { job, service } from './under-test.ts';

const root = resolve(import.meta.dirname, '../../..');
const standIn = resolve(root, 'test/contract/module-server-deepaas/stand-in.mjs');

/** The image that is none of ours: a process that knows `deepaas-run` and its options. */
export const stockImage = 'deephdc/stand-in:1';
const source = { kind: 'IMAGE', image: stockImage, deepaas: { model: 'stand_in' } } as const;

/** `deepaas` of a backend whose containers are processes of this machine. */
export const stockSettings = {
  image: 'fake/runtime:1',
  runtime: [process.execPath, resolve(root, 'modules/runtime/main.ts')],
  command: [process.execPath, standIn, 'deepaas-run'],
};

/** A training that does what `how` says, see the stand-in. */
export function stockTraining(how: string, more: Partial<JobWorkload> = {}): JobWorkload {
  const module = { slug: 'plants', source };
  const text = JSON.stringify({ arguments: { how } });
  return job(
    { kind: 'MODULE', module, operation: 'train' },
    { inputs: [{ path: 'workload.json', content: { kind: 'TEXT', text } }], ...more },
  );
}

export function stockServer(weights: string) {
  const module = { slug: 'plants', source };
  return service(
    { kind: 'MODULE', module, operation: 'serve' },
    {
      artifactFolder: 'artifact',
      inputs: [{ path: 'artifact/weights', content: { kind: 'TEXT', text: weights } }],
    },
  );
}

/** Containers of one pod share their ports, and processes of this machine do as well. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
