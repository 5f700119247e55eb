import type { BackendSurroundings } from '../contract/definition.ts';
import type { Deliveries, Received } from '../contract/delivery.ts';
import { BackendError } from '../contract/error.ts';
import type { InputFile } from '../contract/workload.ts';
import { withDelivery } from './delivered.ts';
import type { JobRecord } from './job-folders.ts';
import type { BatchRequest } from './native.ts';

/** A job may wait for weeks, and a launcher that we did not hear of goes on trying. */
const graceSeconds = 60 * 24 * 3600;

/** The deliveries of jobs; each folder of a job has one of its own, so a late job of a released one is let in nowhere. */
export class DeliveredJobs {
  readonly #deliveries: Deliveries | null;

  constructor({ deliveries }: Pick<BackendSurroundings, 'deliveries'>) {
    this.#deliveries = deliveries;
  }

  /** What Slurm is asked for. The same delivery however often it is asked. */
  async request(record: JobRecord, inputs: readonly InputFile[]): Promise<BatchRequest> {
    const lifetimeSeconds = record.request.timeLimitMinutes * 60 + graceSeconds;
    const delivery = await this.#offered('submit').open(keyOf(record), inputs, { lifetimeSeconds });
    return { ...record.request, script: withDelivery(record.request, delivery) };
  }

  received(record: JobRecord, operation: string): Promise<Received> {
    return this.#offered(operation).received(keyOf(record));
  }

  async release(record: JobRecord): Promise<void> {
    await this.#deliveries?.release(keyOf(record));
  }

  #offered(operation: string): Deliveries {
    if (this.#deliveries !== null) return this.#deliveries;
    const message =
      'These nodes share no folder with us, and this installation serves no launcher.';
    throw new BackendError('Unsupported', operation, message);
  }
}

function keyOf({ name, mark }: JobRecord): string {
  return `${name} ${mark}`;
}
