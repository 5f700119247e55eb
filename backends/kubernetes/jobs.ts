import type { CoreV1Event, V1Job, V1Pod } from './native.ts';
import { BackendError } from '../contract/error.ts';
import type { JobRunner, JobStatus, LogChunk, OutputFolder } from '../contract/job-runner.ts';
import type { Handle, JobWorkload } from '../contract/workload.ts';
import { outputFolder } from '../work-folder/outputs.ts';
import { refusal } from './errors.ts';
import { queueWaiting } from './kueue.ts';
import { readPodLogs } from './logs.ts';
import { annotations, nativeName, paths } from './names.ts';
import { cancelMark, isOver, observeJob, startOf } from './observe.ts';
import type { Site } from './site.ts';
import { translateJob } from './translate.ts';

const cancelAttempts = 20;

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
    const { job, belongings } = translateJob(workload, site.settings, { name, key });
    const there = await site.find<V1Job>('submit', paths.jobs, name);
    if (there !== null) {
      const ours = await site.adopt('submit', there, job, belongings);
      return site.handle('JOB', ours.metadata ?? {});
    }
    assertWanted(signal);
    const { placeBlob } = site.surroundings;
    await site.folders?.create(place, workload.inputs, placeBlob, signal);
    assertWanted(signal);
    try {
      const made = await site.make('submit', paths.jobs, job, belongings);
      return site.handle('JOB', made.metadata ?? {});
    } catch (error) {
      if (isRefused(error)) {
        await site.removeBelongings('submit', name).catch(() => null);
        await site.folders?.remove(place);
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
    const job = await this.#site.job(handle, 'logs');
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
      const [pod] = await this.#podsOf(job, 'cancel');
      const mark = JSON.stringify({ at: site.surroundings.now(), startedAt: startOf(pod) });
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
      if (answer.status < 300) return;
      if (answer.status === 409) continue;
      throw refusal('cancel', answer.status, answer.headers, answer.text);
    }
    const message = 'The job changes faster than it can be cancelled; try again.';
    throw new BackendError('Unavailable', 'cancel', message);
  }

  async outputs(handle: Handle): Promise<OutputFolder> {
    const { metadata } = await this.#site.job(handle, 'outputs');
    const { folders } = this.#site;
    if (folders === null) {
      const message = 'This cluster has no shared folder, so what a job leaves there is not kept.';
      throw new BackendError('Unsupported', 'outputs', message);
    }
    return outputFolder(folders.out({ kind: 'JOB', name: metadata?.name ?? '' }));
  }

  async #look(handle: Handle, operation: string): Promise<JobStatus> {
    const job = await this.#site.job(handle, operation);
    const pods = await this.#podsOf(job, operation);
    const first = observeJob({ job, pods, events: [], queue: null });
    if (first.waiting === null) return first;
    // Only for what waits is it worth asking why.
    const events = await this.#events(pods[0] ?? job, operation);
    const isQueued = job.spec?.suspend === true && this.#site.settings.kueueQueue !== null;
    const queue = isQueued ? await queueWaiting(this.#site, job, operation) : null;
    return observeJob({ job, pods, events, queue });
  }

  async #podsOf(job: V1Job, operation: string): Promise<readonly V1Pod[]> {
    const { name = '', uid } = job.metadata ?? {};
    const pods = await this.#site.pods(operation, name);
    return pods.filter(
      ({ metadata }) => metadata?.ownerReferences?.some((owner) => owner.uid === uid) === true,
    );
  }

  async #events({ metadata }: V1Pod | V1Job, operation: string): Promise<readonly CoreV1Event[]> {
    const { client } = this.#site;
    const list = await client
      .call<{ items?: CoreV1Event[] }>(operation, {
        method: 'GET',
        path: paths.events(await client.namespace()),
        query: { fieldSelector: `involvedObject.uid=${metadata?.uid ?? ''}` },
      })
      // Reading events is a right of its own, and the state is known without them.
      .catch((error: unknown) => {
        if (error instanceof BackendError && error.kind === 'Unauthorized') return { items: [] };
        throw error;
      });
    return list.items ?? [];
  }
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
