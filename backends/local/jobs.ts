import { BackendError } from '../contract/error.ts';
import { inspectEach } from '../contract/inspect-each.ts';
import type { JobRunner, JobStatus, LogChunk, OutputFolder } from '../contract/job-runner.ts';
import type { Handle, JobWorkload } from '../contract/workload.ts';
import { assertOffered } from './allocation.ts';
import { endUnclaimed } from './burial.ts';
import type { LaunchRecord } from './control/record.ts';
import { newRecord } from './launch-record.ts';
import { readLog } from '../work-folder/log-reader.ts';
import { observeJob } from './observe.ts';
import { outputFolder } from '../work-folder/outputs.ts';
import type { Site } from './site.ts';
import { nativeName, translateJob } from './translate.ts';

export class LocalJobs implements JobRunner {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  async submit(
    workload: JobWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    const site = this.#site;
    site.assertOpen('submit');
    const name = nativeName(options.key);
    const launch = translateJob(workload, site.settings, site.client.workFolder('JOB', name));
    if (!site.client.has('JOB', name)) {
      assertOffered(site.scheduler, workload.resources, 'submit');
      this.#refuseTooManySecrets(launch.secretNames.length);
      await site.client.create(newRecord(site, 'JOB', options.key, workload, launch), {
        inputs: workload.inputs,
        files: [],
        placeBlob: site.surroundings.placeBlob,
        signal: options.signal,
      });
      site.assertOpen('submit');
    }
    const handle = site.handle('JOB', name);
    const record = site.find(handle, 'JOB', 'submit');
    if (site.client.has('JOB', name, 'exit')) return handle;
    site.enter(record, workload.secrets);
    site.schedule();
    site.finishStart(record);
    // Secrets are in no file: only a supervisor of its own keeps them beyond our end.
    if (record.launch.secretNames.length > 0) await site.launch(record);
    return handle;
  }

  async inspect(handle: Handle): Promise<JobStatus> {
    const record = this.#site.find(handle, 'JOB', 'inspect');
    await this.#site.lookAtJob(record);
    return this.#status(record);
  }

  /** They are files here. */
  async inspectMany(handles: readonly Handle[]): Promise<readonly (JobStatus | null)[]> {
    return inspectEach(handles, (handle) => this.inspect(handle));
  }

  async *watch(handle: Handle, signal: AbortSignal): AsyncGenerator<JobStatus> {
    const site = this.#site;
    const record = site.find(handle, 'JOB', 'watch');
    const rings = site.bell.listen(site.bellName(record), signal);
    try {
      for (let last = ''; !signal.aborted; await rings.next(1000)) {
        const status = await this.inspect(handle);
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        if (status.phase === 'ENDED') return;
        last = text;
      }
    } finally {
      rings.stop();
    }
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const { name } = this.#site.find(handle, 'JOB', 'logs');
    const folder = `${this.#site.client.folder('JOB', name)}/log`;
    for await (const chunk of readLog(folder, options.after, options.signal)) {
      this.#site.assertOpen('logs');
      yield chunk;
    }
  }

  async cancel(handle: Handle): Promise<void> {
    const { client, surroundings } = this.#site;
    const record = this.#site.find(handle, 'JOB', 'cancel');
    if (client.has('JOB', record.name, 'exit')) return;
    client.writeOnce('JOB', record.name, 'cancel', { at: surroundings.now() });
    const end = { cause: 'CANCELLED', message: 'It was cancelled before it started.' } as const;
    if (!endUnclaimed(client, record, surroundings.now(), end)) {
      client.ringSupervisor('JOB', record.name);
    }
    await this.#site.lookAtJob(record);
    this.#site.bell.ring(this.#site.bellName(record));
    this.#site.schedule();
  }

  async outputs(handle: Handle): Promise<OutputFolder> {
    const { name } = this.#site.find(handle, 'JOB', 'outputs');
    return outputFolder(`${this.#site.client.workFolder('JOB', name)}/out`);
  }

  #status(record: LaunchRecord): JobStatus {
    const { client, scheduler } = this.#site;
    const read = (file: 'exit' | 'program' | 'grant'): unknown => {
      const value = client.read('JOB', record.name, file);
      return value === undefined ? 'unreadable' : value;
    };
    const isHeld = !this.#site.canLaunch(record) && !this.#site.isClaimed(record);
    const queued = isHeld ? heldForSecrets : scheduler.waiting(record);
    return observeJob({
      exit: read('exit'),
      program: read('program'),
      grant: isHeld ? null : read('grant'),
      queued,
    });
  }

  #refuseTooManySecrets(secretCount: number): void {
    const { scheduler, settings } = this.#site;
    if (secretCount === 0) return;
    const waiting = scheduler.jobs.filter(
      (job) => job.launch.secretNames.length > 0 && !scheduler.isGranted(job),
    ).length;
    if (waiting < settings.waitingWithSecrets) return;
    throw new BackendError(
      'NoCapacity',
      'submit',
      `${waiting} jobs with secrets wait already, each in a process of its own.`,
    );
  }
}

const heldForSecrets = {
  code: 'HELD',
  message:
    'Its secrets, which are never stored, were lost before it was accepted: submit it again.',
  raw: null,
} as const;
