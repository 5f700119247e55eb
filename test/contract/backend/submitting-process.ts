import { text } from 'node:stream/consumers';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { localSurroundings } from './local-surroundings.ts';

/** A process of its own that submits one job, prints its handle and ends. */
const order = JSON.parse(await text(process.stdin)) as {
  type?: string;
  name?: string;
  stateFolder: string;
  blobs: string;
  settings: object;
  workload: JobWorkload;
  key: string;
};
const surroundings = localSurroundings(order.stateFolder, order.blobs, []);
const { type = 'local', name = 'here' } = order;
const backend = await createBackend(type, name, order.settings, surroundings);
const handle = await backend.jobs?.submit(order.workload, {
  key: order.key,
  signal: AbortSignal.timeout(10_000),
});
process.stdout.write(JSON.stringify(handle));
await backend.close();
