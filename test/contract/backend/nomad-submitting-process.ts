import { text } from 'node:stream/consumers';
import type { JobWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import type { DockPlace } from './kubernetes-deliveries.ts';
import { surroundingsAt } from './kubernetes-deliveries.ts';

/** A process of its own that submits one job, prints its handle and ends. */
const order = JSON.parse(await text(process.stdin)) as {
  blobs: string;
  dock: DockPlace | null;
  settings: object;
  workload: JobWorkload;
  key: string;
};
const surroundings = surroundingsAt(order.dock, order.blobs);
const backend = await createBackend('nomad', 'cluster', order.settings, surroundings);
const handle = await backend.jobs?.submit(order.workload, {
  key: order.key,
  signal: AbortSignal.timeout(10_000),
});
process.stdout.write(JSON.stringify(handle));
await backend.close();
