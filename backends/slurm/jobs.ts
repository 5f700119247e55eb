import { setTimeout as sleep } from 'node:timers/promises';
import { inspectEach } from '../contract/inspect-each.ts';
import type {
  JobRunner,
  JobStatus,
  LogChunk,
  OutputFolder,
  SubmitOptions,
} from '../contract/job-runner.ts';
import type { Handle, JobWorkload } from '../contract/workload.ts';
import { readLog } from '../work-folder/log-reader.ts';
import { outputFolder } from '../work-folder/outputs.ts';
import { ArraySubmission } from './array-submission.ts';
import { Claims, removed } from './claims.ts';
import type { JobRecord } from './job-folders.ts';
import { isEndState } from './observe.ts';
import type { Order } from './order.ts';
import { orderOf } from './order.ts';
import type { Site } from './site.ts';
import { Submission } from './submission.ts';

/** Between two looks at the files of a watched job, which cost Slurm nothing. */
const fileLookMs = 200;

export class SlurmJobs implements JobRunner {
  readonly #site: Site;
  readonly #claims: Claims;
  readonly #submission: Submission;
  readonly #arrays: ArraySubmission;
  readonly #submitting = new Map<string, Promise<Handle>>();

  constructor(site: Site) {
    this.#site = site;
    this.#claims = new Claims(() => site.surroundings.now(), site.settings);
    this.#submission = new Submission(site, this.#claims);
    this.#arrays = new ArraySubmission(site, this.#claims);
  }

  async submit(workload: JobWorkload, options: SubmitOptions): Promise<Handle> {
    this.#site.assertOpen('submit');
    const order = orderOf(this.#site, workload, options.key);
    const { name } = order.record;
    for (;;) {
      const underWay = this.#submitting.get(name);
      if (underWay === undefined) break;
      // Its failure is not ours: we may have more to offer, or more time.
      const handle = await underWay.catch(() => null);
      if (handle !== null) return handle;
    }
    const submitting = this.#submit(order, options).finally(() => this.#submitting.delete(name));
    this.#submitting.set(name, submitting);
    return submitting;
  }

  async inspect(handle: Handle): Promise<JobStatus> {
    return this.#site.observe(this.#site.find(handle, 'inspect'), 'inspect');
  }

  /** Slurm is asked once for all. */
  async inspectMany(handles: readonly Handle[]): Promise<readonly (JobStatus | null)[]> {
    return inspectEach(handles, (handle) => this.inspect(handle));
  }

  async *watch(handle: Handle, signal: AbortSignal): AsyncGenerator<JobStatus> {
    const site = this.#site;
    const stop = AbortSignal.any([signal, site.closing]);
    for (let last = ''; !signal.aborted;) {
      const record = site.find(handle, 'watch');
      const status = await site.observe(record, 'watch');
      const text = JSON.stringify(status);
      if (text !== last) yield status;
      if (status.phase === 'ENDED') return;
      last = text;
      await this.#untilWorthALook(record, stop);
      site.assertOpen('watch');
    }
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const record = this.#site.find(handle, 'logs');
    const received = await this.#site.received(record, 'logs');
    const folder = `${this.#site.folders.folder(record.name)}/log`;
    const chunks =
      received?.logs?.(options.after) ?? readLog(folder, options.after, options.signal);
    for await (const chunk of chunks) {
      this.#site.assertOpen('logs');
      if (options.signal.aborted) return;
      yield chunk;
    }
  }

  async cancel(handle: Handle): Promise<void> {
    const { client } = this.#site;
    const record = this.#site.find(handle, 'cancel');
    if ((await this.#site.provenEnd(record)) !== null) return;
    const refused = this.#site.wishEnd(record);
    const alive = (await this.#site.nativeJobs(record)).filter((one) => !isEndState(one));
    for (const { id } of alive) await client.cancel(id);
    // Nobody was told.
    if (refused !== null && alive.length === 0) throw refused;
  }

  async outputs(handle: Handle): Promise<OutputFolder> {
    const record = this.#site.find(handle, 'outputs');
    const received = await this.#site.received(record, 'outputs');
    return received?.outputs ?? outputFolder(`${this.#site.folders.folder(record.name)}/work/out`);
  }

  async #submit(order: Order, { signal, array }: SubmitOptions): Promise<Handle> {
    const { folders, surroundings } = this.#site;
    const { record, workload, launch, delivered } = order;
    folders.prepare('submit');
    const known = this.#site.jobId(record.name);
    if (known !== null) return this.#site.handle(record.name, known);
    for (;;) {
      const there = folders.record(record.name);
      if (there !== null) return this.#adopt(there, array ?? null, signal);
      const isWished = array !== undefined && delivered === null;
      if (isWished && (await this.#arrays.handOver(order, array, signal))) continue;
      const claim = this.#claims.first();
      const { placeBlob } = surroundings;
      const more = { workload, launch, delivered, claim, placeBlob, signal };
      if (await folders.create(record, more)) {
        const id = await this.#submission.finish(record, true, signal);
        return this.#site.handle(record.name, id);
      }
    }
  }

  /** A job whose folder stands: in Slurm, on its way there, or left by somebody. */
  async #adopt(
    record: JobRecord,
    array: SubmitOptions['array'] | null,
    signal: AbortSignal,
  ): Promise<Handle> {
    const site = this.#site;
    const isAlone = record.array === undefined || site.jobId(record.name) !== null;
    const element = isAlone ? null : await this.#arrays.element(record, array ?? null, signal);
    if (element === null) {
      return site.handle(record.name, await this.#submission.finish(record, false, signal));
    }
    const id = site.keepId(record, element, true);
    if (id === null) throw removed();
    return site.handle(record.name, id);
  }

  /** Until its files changed or Slurm may be asked again. */
  async #untilWorthALook(record: JobRecord, stop: AbortSignal): Promise<void> {
    const look = async (): Promise<string> => {
      const received = await this.#site.received(record, 'watch').catch(() => null);
      const files = ['started', 'exit', 'end'] as const;
      const there = files.map((file) => this.#site.folders.has(record.name, file));
      return [...there, received?.heardAt != null, received?.exit != null].join();
    };
    const before = await look();
    const { pollMs } = this.#site.settings;
    for (let waited = 0; waited < pollMs && !stop.aborted; waited += fileLookMs) {
      const pause = Math.min(fileLookMs, pollMs - waited);
      await sleep(pause, null, { signal: stop }).catch(() => null);
      if ((await look()) !== before) return;
    }
  }
}
