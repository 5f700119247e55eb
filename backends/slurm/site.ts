import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import type { JobStatus } from '../contract/job-runner.ts';
import type { Handle } from '../contract/workload.ts';
import type { SlurmClient } from './client.ts';
import type { SlurmSettings } from './config.ts';
import { ArrayFolders } from './array-folders.ts';
import type { JobRecord } from './job-folders.ts';
import { JobFolders } from './job-folders.ts';
import type { NativeJob } from './native.ts';
import { isEndState, judge, provenEnd } from './observe.ts';
import { SchedulerView } from './scheduler-view.ts';
import { commentOf, isNativeName } from './translate.ts';

/** What every part of this backend works with: the shared folder, Slurm, and what both say of a job. */
export class Site {
  readonly name: string;
  readonly settings: SlurmSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: SlurmClient;
  readonly folders: JobFolders;
  readonly arrays: ArrayFolders;
  readonly #view: SchedulerView;
  /** Since when Slurm has been saying that a job is over (or unknown) whose end is not in its folder; by mark. */
  readonly #overSince = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(parts: {
    readonly name: string;
    readonly settings: SlurmSettings;
    readonly surroundings: BackendSurroundings;
    readonly client: SlurmClient;
  }) {
    const { settings } = parts;
    this.name = parts.name;
    this.settings = settings;
    this.surroundings = parts.surroundings;
    this.client = parts.client;
    const rootOnNodes = settings.sharedFolderOnNodes ?? settings.sharedFolder;
    this.folders = new JobFolders(settings.sharedFolder, rootOnNodes);
    this.arrays = new ArrayFolders(settings.sharedFolder, rootOnNodes, this.folders);
    this.#view = new SchedulerView(parts.client, {
      spacingMs: settings.pollMs,
      usesAccounting: settings.accounting === 'detect',
    });
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Aborts when the backend is closed. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    if (this.closed) return;
    this.#closing.abort();
    this.#view.close(this.#closedError('inspect'));
    this.client.close();
  }

  assertOpen(operation: string): void {
    if (this.closed) throw this.#closedError(operation);
  }

  handle(name: string, id: string): Handle {
    return { backend: this.name, version: 1, native: { kind: 'JOB', name, id } };
  }

  /** The record behind a handle. NotFound when it is not one of ours or was released. */
  find(handle: Handle, operation: string): JobRecord {
    this.assertOpen(operation);
    const { kind, name, id } = handle.native;
    const isOurs = handle.backend === this.name && kind === 'JOB' && isNativeName(name);
    const record = isOurs ? this.folders.record(name) : null;
    // A job made anew under the same key has another id.
    if (record !== null && this.jobId(record.name) === id) return record;
    this.folders.prepare(operation);
    throw new BackendError('NotFound', operation, `There is no such job on ${this.name}.`);
  }

  /** The id under which Slurm took the job; null when that is not known yet. */
  jobId(name: string): string | null {
    return textIn(this.folders.read(name, 'native'), 'id');
  }

  /** Keeps the id for good: this one, or the one that is known already. Null when the job was released. */
  keepId({ name }: JobRecord, id: string, adopted: boolean): string | null {
    const at = this.surroundings.now();
    return this.folders.writeOnce(name, 'native', { id, at, adopted }) ? id : this.jobId(name);
  }

  /** The job that really runs the work: another one only when Slurm took a submit late that we had repeated. */
  runnerId(name: string): string | null {
    return textIn(this.folders.read(name, 'runner'), 'job') || this.jobId(name);
  }

  /** Our jobs of the folder that Slurm knows: one, or two when it took a submit late that we had repeated. */
  async nativeJobs(record: JobRecord): Promise<readonly NativeJob[]> {
    const ids = [this.jobId(record.name), this.runnerId(record.name)].filter((id) => id !== null);
    const jobs = await this.client.jobs([...new Set(ids)]);
    return [...jobs.values()].filter((job) => isOurs(job, record));
  }

  /** From the files alone: the end that was settled, or that they prove. Null when Slurm must be asked. */
  provenEnd(name: string): JobStatus | null {
    const settled = this.folders.read(name, 'end');
    if (settled !== null && settled !== undefined) return settled as JobStatus;
    const exit = this.folders.read(name, 'exit');
    return exit === null ? null : provenEnd(exit);
  }

  /** One look. Settles the end, so that it is the same for everybody for ever. NotFound when the job vanished. */
  async observe(record: JobRecord, operation: string): Promise<JobStatus> {
    const { name, mark } = record;
    const proven = this.provenEnd(name);
    if (proven !== null) return this.#settle(record, proven);
    const id = this.runnerId(name);
    const found = id === null ? null : await this.#view.look(id);
    this.assertOpen(operation);
    const native = found !== null && isOurs(found, record) ? found : null;
    const judgement = judge({
      started: this.folders.read(name, 'started'),
      exit: this.folders.read(name, 'exit'),
      cancel: this.folders.read(name, 'cancel'),
      native,
      scriptOutput: this.#scriptOutput(record),
      beatAgeMs: this.#age(this.folders.beatAt(name)),
      overForMs: this.#overFor(mark, native),
      visibilityMs: this.settings.visibilitySeconds * 1000,
    });
    if (judgement.kind === 'VANISHED') {
      const message = `Job ${id ?? '?'} vanished: ${judgement.evidence}`;
      throw new BackendError('NotFound', operation, message);
    }
    if (judgement.status.phase !== 'ENDED') return judgement.status;
    return this.#settle(record, judgement.status);
  }

  forget(record: JobRecord): void {
    this.#overSince.delete(record.mark);
  }

  async #settle({ name, mark }: JobRecord, status: JobStatus): Promise<JobStatus> {
    this.#overSince.delete(mark);
    if (!this.folders.has(name, 'end')) {
      this.folders.writeOnce(name, 'end', status);
      await this.folders.forgetSecrets(name);
    }
    return this.provenEnd(name) ?? status;
  }

  #scriptOutput({ name, array }: JobRecord): string {
    const own = this.folders.scriptOutput(name);
    return own === '' && array !== undefined
      ? this.arrays.scriptOutput(array.name, array.index)
      : own;
  }

  #overFor(mark: string, native: NativeJob | null): number {
    if (native !== null && !isEndState(native)) {
      this.#overSince.delete(mark);
      return 0;
    }
    const now = this.surroundings.now();
    const since = this.#overSince.get(mark) ?? now;
    this.#overSince.set(mark, since);
    return now - since;
  }

  #age(at: number | null): number | null {
    return at === null ? null : this.surroundings.now() - at;
  }

  #closedError(operation: string): BackendError {
    return new BackendError('Closed', operation, `${this.name} is closed.`);
  }
}

/** A controller that lost its state counts from 1 again, so a number alone may be anybody's job. */
function isOurs(job: NativeJob, { name, request, array }: JobRecord): boolean {
  const isIt = (expected: string, comment: string): boolean =>
    job.name === expected && (job.comment === '' || job.comment === comment);
  return (
    isIt(name, request.comment) ||
    (array !== undefined && isIt(array.name, commentOf(array.mark)) && job.id.includes('_'))
  );
}

function textIn(value: unknown, name: string): string | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'string' ? found : null;
}
