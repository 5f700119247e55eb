import { text } from 'node:stream/consumers';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import type { ArrayOrder } from './under-test.ts';
import { slurm } from '../../../backends/slurm/index.ts';
import type { DockPlace } from './kubernetes-deliveries.ts';
import { surroundingsAt } from './kubernetes-deliveries.ts';

/** A process of its own that submits one job, prints its handle and ends. */
const order = JSON.parse(await text(process.stdin)) as {
  blobs: string;
  stateFolder: string;
  dock: DockPlace | null;
  settings: object;
  workload: JobWorkload;
  key: string;
  array?: ArrayOrder;
};
const { array } = order;
const surroundings = { ...surroundingsAt(order.dock, order.blobs), stateFolder: order.stateFolder };
// Without the other backends and their libraries it starts in a third of the time.
const backend = await slurm.open('hpc', order.settings, surroundings);
const handle = await backend.jobs?.submit(order.workload, {
  key: order.key,
  signal: AbortSignal.timeout(10_000),
  ...(array === undefined ? {} : { array: { ...array, members: async () => array.members } }),
});
process.stdout.write(JSON.stringify(handle));
await backend.close();
