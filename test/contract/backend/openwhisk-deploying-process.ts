import { text } from 'node:stream/consumers';
import type { ServiceWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { localSurroundings } from './local-surroundings.ts';

/** A process of its own that deploys one function, prints its handle and ends. */
const order = JSON.parse(await text(process.stdin)) as {
  settings: object;
  workload: ServiceWorkload;
  key: string;
};
const surroundings = localSurroundings('/nonexistent', '/nonexistent', []);
const backend = await createBackend('openwhisk', 'functions', order.settings, surroundings);
const handle = await backend.functions?.deploy(order.workload, {
  key: order.key,
  signal: AbortSignal.timeout(10_000),
});
process.stdout.write(JSON.stringify(handle));
await backend.close();
