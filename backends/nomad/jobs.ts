import { BackendError } from '../contract/error.ts';
import type { Delivery, Received } from '../contract/delivery.ts';
import type { JobRunner, JobStatus, LogChunk, OutputFolder } from '../contract/job-runner.ts';
import type { Handle, JobWorkload } from '../contract/workload.ts';
import { outputFolder } from '../work-folder/outputs.ts';
import { lastLines, readLogs } from './logs.ts';
import type { DataPath } from './names.ts';
import { meta, nativeName } from './names.ts';
import type { NativeJob } from './native.ts';
import type { JobFacts } from './observe.ts';
import { firstOf, isOverTime, isToBeStopped, observeJob } from './observe.ts';
import type { Site } from './site.ts';
import { assertWanted, isRefused } from './site.ts';
import { dataPathOf } from './task.ts';
import { translateJob } from './translate.ts';

/** A launcher that we did not hear of goes on trying; its token lives as long as the job may, and this. */
export const deliveryGraceSeconds = 14 * 24 * 3600;

export class NomadJobs implements JobRunner {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  async submit(
    workload: JobWorkload,
    { key, signal }: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    const site = this.#site;
    site.assertOpen('submit');
    const name = nativeName(key);
    const { deliveries, placeBlob } = site.surroundings;
    const data = dataPathOf('JOB', workload.program, site.settings, deliveries !== null);
    assertDataCanCome(data, workload);
    const place = { name, kind: 'JOB', data } as const;
    const order = { ...place, key, mark: site.newMark() };
    const { job } = translateJob(workload, site.settings, {
      ...order,
      delivery: placeholder(data),
    });
    const there = await site.find('submit', name);
    if (there !== null) return site.handle('JOB', name, site.adopt('submit', there, job.Meta));
    const settled = site.folders?.settledMark(place) ?? null;
    if (settled !== null) return site.handle('JOB', name, settled);
    assertWanted(signal);
    await site.folders?.create(place, workload.inputs, placeBlob, signal);
    const lifetimeSeconds = workload.resources.timeLimitSeconds + deliveryGraceSeconds;
    const delivery = isDelivered(data)
      ? await openDelivery(site, name, workload, lifetimeSeconds)
      : null;
    assertWanted(signal);
    try {
      const request = translateJob(workload, site.settings, { ...order, delivery });
      return site.handle('JOB', name, await site.make('submit', request));
    } catch (error) {
      if (isRefused(error)) {
        await site.folders?.remove(place);
        if (delivery !== null) await deliveries?.release(name);
      }
      throw error;
    }
  }

  async inspect(handle: Handle): Promise<JobStatus> {
    return this.#look(handle, 'inspect');
  }

  async *watch(handle: Handle, signal: AbortSignal): AsyncGenerator<JobStatus> {
    const site = this.#site;
    const name = site.nameIn(handle, 'JOB', 'watch');
    const wakes = site.wakes.listen(name, signal);
    try {
      for (let last = ''; !signal.aborted; await wakes.next(site.settings.pollMs)) {
        const status = await this.#look(handle, 'watch');
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        if (status.phase === 'ENDED') return;
        last = text;
      }
    } finally {
      wakes.stop();
    }
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const site = this.#site;
    const job = await site.job(handle, 'JOB', 'logs');
    const received = dataOf(job) === 'RUN' ? await this.#received(job, 'logs') : null;
    if (received?.logs != null) {
      // Those have the times of the lines.
      for await (const chunk of received.logs(options.after)) {
        site.assertOpen('logs');
        if (options.signal.aborted) return;
        yield chunk;
      }
      return;
    }
    const first = firstOf(await site.allocations('logs', job));
    if (first !== null) yield* readLogs(site, [first], options);
  }

  /** A job that has ended stays as it is, in Nomad too. What ends while it is being stopped is told by its events. */
  async cancel(handle: Handle): Promise<void> {
    const status = await this.#look(handle, 'cancel');
    if (status.phase === 'ENDED') return;
    await this.#stop(this.#site.nameIn(handle, 'JOB', 'cancel'), 'cancel');
  }

  async outputs(handle: Handle): Promise<OutputFolder> {
    const site = this.#site;
    const place = site.place(handle, 'JOB', 'outputs');
    if (site.folders?.settledEnd({ ...place, kind: 'JOB' }, place.mark) == null) {
      const job = await site.job(handle, 'JOB', 'outputs');
      if (isDelivered(dataOf(job))) return (await this.#received(job, 'outputs')).outputs;
    }
    if (site.folders === null) {
      const message =
        'These nodes share no folder with us, so what a job leaves there is not kept.';
      throw new BackendError('Unsupported', 'outputs', message);
    }
    return outputFolder(site.folders.out({ kind: 'JOB', name: place.name }));
  }

  async #look(handle: Handle, operation: string): Promise<JobStatus> {
    const site = this.#site;
    const { name, mark } = site.place(handle, 'JOB', operation);
    const settled = site.folders?.settledEnd({ kind: 'JOB', name }, mark) ?? null;
    if (settled !== null) return settled;
    const job = await site.job(handle, 'JOB', operation);
    const allocations = await site.allocations(operation, job);
    // Only for what waits is it worth asking why.
    const evaluations =
      allocations.length > 0 || job.Stop === true ? [] : await site.evaluations(operation, job);
    const facts: JobFacts = { job, allocations, evaluations };
    const status = observeJob(facts);
    const isOver = isOverTime(facts, status, site.surroundings.now());
    if (isOver || isToBeStopped(facts, status)) await this.#stop(name, operation);
    if (status.phase !== 'ENDED') return status;
    const ended = await this.#whole(status, facts, operation);
    return site.folders?.settle({ kind: 'JOB', name }, mark, ended) ?? ended;
  }

  /** An end as it is told to people, and by whoever was nearest to the program. */
  async #whole(status: JobStatus, facts: JobFacts, operation: string): Promise<JobStatus> {
    const { exit } = status;
    const first = firstOf(facts.allocations);
    if (exit === null || first === null) return status;
    const isOwn = exit.cause === 'EXITED' || exit.cause === 'SIGNALLED';
    if (isOwn && dataOf(facts.job) === 'RUN') {
      const told = (await this.#received(facts.job, operation)).exit;
      if (told !== null) {
        const startedAt = told.cause === 'NOT_STARTED' ? null : status.startedAt;
        return { ...status, exit: told, startedAt };
      }
    }
    const isTold = exit.cause === 'EXITED' && exit.code === 0;
    if (isTold || exit.cause === 'CANCELLED' || exit.cause === 'NOT_STARTED') return status;
    const lines = await lastLines(this.#site, first, operation);
    if (lines.length === 0) return status;
    const message = `${exit.message} Its last lines:\n${lines.join('\n')}`;
    return { ...status, exit: { ...exit, message } };
  }

  async #stop(name: string, operation: string): Promise<void> {
    const { jobs } = await this.#site.client.modules(operation);
    await jobs.stop(name);
  }

  async #received(job: NativeJob, operation: string): Promise<Received> {
    const { deliveries } = this.#site.surroundings;
    if (deliveries !== null) return deliveries.received(job.ID);
    const message =
      'The files of this job come back by the launcher, which this installation no longer serves.';
    throw new BackendError('Unsupported', operation, message);
  }
}

/** Opens, or finds, what the launcher of that job speaks to. */
export async function openDelivery(
  site: Site,
  name: string,
  workload: JobWorkload,
  lifetimeSeconds: number,
): Promise<Delivery | null> {
  const { deliveries } = site.surroundings;
  return deliveries?.open(name, workload.inputs, { lifetimeSeconds }) ?? null;
}

export function isDelivered(data: DataPath): boolean {
  return data === 'RUN' || data === 'BESIDE';
}

export function assertDataCanCome(data: DataPath, { inputs }: JobWorkload): void {
  if (data !== 'NONE' || inputs.length === 0) return;
  const message =
    'These nodes share no folder with us and cannot reach us, so a program there can be given no files.';
  throw new BackendError('Unsupported', 'submit', message);
}

/** For checking a workload before anything is opened for it. */
export function placeholder(data: DataPath): Delivery | null {
  return isDelivered(data) ? { url: 'http://delivery.invalid', token: 'token' } : null;
}

export function dataOf({ Meta }: NativeJob): DataPath {
  const data = Meta?.[meta.data];
  return data === 'FOLDER' || data === 'RUN' || data === 'BESIDE' ? data : 'NONE';
}
