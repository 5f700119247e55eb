import { text } from 'node:stream/consumers';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import { local } from '../../../backends/local/index.ts';
import { localSurroundings } from './local-surroundings.ts';

/** A process of its own that submits one job, prints its handle and ends. */
const order = JSON.parse(await text(process.stdin)) as {
  stateFolder: string;
  blobs: string;
  settings: object;
  workload: JobWorkload;
  key: string;
};
const surroundings = localSurroundings(order.stateFolder, order.blobs, []);
// Without the other backends and their libraries it starts in a third of the time.
const backend = await local.open('here', order.settings, surroundings);
const handle = await backend.jobs?.submit(order.workload, {
  key: order.key,
  signal: AbortSignal.timeout(10_000),
});
process.stdout.write(JSON.stringify(handle));
await backend.close();
