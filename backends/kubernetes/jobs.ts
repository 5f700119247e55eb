import type { V1Job, V1Pod } from './native.ts';
import type { Delivery, Received } from '../contract/delivery.ts';
import { BackendError } from '../contract/error.ts';
import type { JobRunner, JobStatus, LogChunk, OutputFolder } from '../contract/job-runner.ts';
import type { Handle, JobWorkload } from '../contract/workload.ts';
import { outputFolder } from '../work-folder/outputs.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { queueWaiting } from './kueue.ts';
import { unopened } from './launcher.ts';
import { readPodLogs } from './logs.ts';
import { annotations, nativeName, paths } from './names.ts';
import { cancelMark, firstStart, isOver, lastToRun, observeJob } from './observe.ts';
import type { Site } from './site.ts';
import { isStockJob } from './stock.ts';
import { translateJob } from './translate.ts';
import { wraps } from './work-volumes.ts';

const cancelAttempts = 20;
/** What a node takes to tell that a program ended. */
const hurryAfterMs = 2000;

export class KubernetesJobs implements JobRunner {
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
    const place = { name, kind: 'JOB' } as const;
    const manifest = (delivery: Delivery | null) =>
      translateJob(workload, site.settings, { name, key, delivery });
    // What is refused is refused before anything is made.
    const wanted = manifest(unopened(site.settings));
    const there = await site.find<V1Job>('submit', paths.jobs, name);
    if (there !== null) {
      const ours = await site.adopt('submit', there, wanted.job, wanted.belongings);
      return site.handle('JOB', ours.metadata ?? {});
    }
    assertWanted(signal);
    const { placeBlob } = site.surroundings;
    await site.folders?.create(place, workload.inputs, placeBlob, signal);
    assertWanted(signal);
    const { job, belongings } = manifest(await site.deliveries.open(place, workload));
    try {
      const made = await site.make('submit', paths.jobs, job, belongings);
      return site.handle('JOB', made.metadata ?? {});
    } catch (error) {
      if (isRefused(error)) await site.forget('submit', place).catch(() => null);
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
    const job = await this.#site.job(handle, 'logs');
    const told = await this.#told(job, 'logs');
    if (told?.logs != null) {
      for await (const chunk of told.logs(options.after)) {
        if (options.signal.aborted) return;
        yield chunk;
        this.#site.assertOpen('logs');
      }
      return;
    }
    const pods = await this.#podsOf(job, 'logs');
    yield* readPodLogs(this.#site, pods.toReversed(), options);
  }

  /**
   * Written into the Job together with the order to run nothing, and only if the Job did not change since it was looked at:
   * a job that ended in between has ended, and one that was cancelled stays cancelled.
   */
  async cancel(handle: Handle): Promise<void> {
    const site = this.#site;
    for (let attempt = 0; attempt < cancelAttempts; attempt++) {
      const job = await site.job(handle, 'cancel');
      if (cancelMark(job) !== null || isOver(job)) return;
      const pods = await this.#podsOf(job, 'cancel');
      const mark = JSON.stringify({ at: site.surroundings.now(), startedAt: firstStart(pods) });
      const { name = '', resourceVersion = '' } = job.metadata ?? {};
      const answer = await site.client.answer('cancel', {
        method: 'PATCH',
        path: `${paths.jobs(await site.client.namespace())}/${name}`,
        patch: 'merge',
        body: {
          metadata: { resourceVersion, annotations: { [annotations.cancelled]: mark } },
          spec: { parallelism: 0 },
        },
      });
      if (answer.status < 300) {
        // A page of whoever stands before it is no order.
        parsed('cancel', answer);
        return;
      }
      if (answer.status === 409) continue;
      throw refusal('cancel', answer.status, answer.headers, answer.text);
    }
    const message = 'The job changes faster than it can be cancelled; try again.';
    throw new BackendError('Unavailable', 'cancel', message);
  }

  async outputs(handle: Handle): Promise<OutputFolder> {
    const { metadata } = await this.#site.job(handle, 'outputs');
    const { folders, deliveries, settings } = this.#site;
    const place = { kind: 'JOB', name: metadata?.name ?? '' } as const;
    if (folders !== null) return outputFolder(folders.out(place));
    if (settings.launcher !== null) return (await deliveries.received(place, 'outputs')).outputs;
    const message =
      'This cluster has neither a shared folder nor a launcher, so what a job leaves is not kept.';
    throw new BackendError('Unsupported', 'outputs', message);
  }

  async #look(handle: Handle, operation: string): Promise<JobStatus> {
    const site = this.#site;
    const job = await site.job(handle, operation);
    const pods = await this.#podsOf(job, operation);
    const first = observeJob({ job, pods, events: [], queue: null });
    if (first.phase === 'ENDED') return withTrueExit(first, await this.#told(job, operation));
    await this.#hurry(job, pods, operation);
    if (first.waiting === null) return first;
    // Only for what waits is it worth asking why.
    const events = await site.events(operation, lastToRun(pods) ?? job);
    const isQueued = job.spec?.suspend === true && site.settings.kueueQueue !== null;
    const queue = isQueued ? await queueWaiting(site, job, operation) : null;
    return observeJob({ job, pods, events, queue });
  }

  /** What the launcher around a program tells of it; null where there is none, or it was never heard of. */
  async #told(job: V1Job, operation: string): Promise<Received | null> {
    const { settings, deliveries } = this.#site;
    const name = job.metadata?.name ?? '';
    const place = { kind: 'JOB', name, isStock: isStockJob(job) } as const;
    if (!wraps(settings, place)) return null;
    const received = await deliveries.received(place, operation);
    return received.heardAt === null ? null : received;
  }

  /**
   * A pod is given time to return what its program left, and with it the program. One that was cancelled and does not end
   * in its own time is not waited for so long.
   */
  async #hurry(job: V1Job, pods: readonly V1Pod[], operation: string): Promise<void> {
    const { settings, surroundings, client } = this.#site;
    const mark = cancelMark(job);
    if (mark === null || settings.launcher === null || surroundings.mayDispatch?.() === false)
      return;
    const graceMs = settings.stopGraceSeconds * 1000 + hurryAfterMs;
    if (surroundings.now() - mark.at < graceMs) return;
    for (const pod of pods.filter(isStubborn)) {
      const path = `${paths.pods(await client.namespace())}/${pod.metadata?.name ?? ''}`;
      await client.find(operation, { method: 'DELETE', path, body: { gracePeriodSeconds: 1 } });
    }
  }

  async #podsOf(job: V1Job, operation: string): Promise<readonly V1Pod[]> {
    const { name = '', uid } = job.metadata ?? {};
    const pods = await this.#site.pods(operation, name);
    return pods.filter(
      ({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true,
    );
  }
}

/** What the cluster says of an end is kept where the launcher could not know better: limits, evictions, cancels. */
function withTrueExit(status: JobStatus, told: Received | null): JobStatus {
  const { exit } = status;
  const isPlain = exit !== null && ['EXITED', 'SIGNALLED', 'NOT_STARTED'].includes(exit.cause);
  if (!isPlain || told === null || told.exit === null) return status;
  const startedAt = told.exit.cause === 'NOT_STARTED' ? null : status.startedAt;
  return { ...status, exit: told.exit, startedAt };
}

/** It was told to end, and its program runs on, or is not there yet. */
function isStubborn({ metadata, status }: V1Pod): boolean {
  const all = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const isAtWork = all.some(({ name, state }) => name !== 'return' && state?.running !== undefined);
  const isHurried = (metadata?.deletionGracePeriodSeconds ?? 0) <= 1;
  return metadata?.deletionTimestamp !== undefined && !isHurried && isAtWork;
}

/** Nothing was accepted, and the same request would be refused again. */
export function isRefused(error: unknown): boolean {
  return (
    error instanceof BackendError && (error.kind === 'Rejected' || error.kind === 'Unauthorized')
  );
}

export function assertWanted(signal: AbortSignal): void {
  if (!signal.aborted) return;
  throw new BackendError('Unavailable', 'submit', 'It was given up before it was submitted.');
}
