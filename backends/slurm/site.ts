import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import type { Received } from '../contract/delivery.ts';
import type { JobStatus } from '../contract/job-runner.ts';
import type { Handle, InputFile } from '../contract/workload.ts';
import type { SlurmClient } from './client.ts';
import type { SlurmSettings } from './config.ts';
import { ArrayFolders } from './array-folders.ts';
import { removed } from './claims.ts';
import type { JobRecord } from './job-folders.ts';
import { JobFolders } from './job-folders.ts';
import { DeliveredJobs } from './delivered-jobs.ts';
import type { BatchRequest, NativeJob } from './native.ts';
import { accountedOf } from './accounting.ts';
import type { AccountingFacts, Judgement } from './observe.ts';
import { isEndState, judge, provenEnd } from './observe.ts';
import type { DeliveredFacts } from './observe-delivered.ts';
import { deliveredEnd, judgeDelivered } from './observe-delivered.ts';
import { SchedulerView } from './scheduler-view.ts';
import { commentOf, isNativeName } from './translate.ts';

/** Of one job: by Slurm, or its end by the accounting. */
interface Said {
  readonly native: NativeJob | null;
  readonly accounting: AccountingFacts;
}

/** What every part of this backend works with: the shared folder, Slurm, and what both say of a job. */
export class Site {
  readonly name: string;
  readonly settings: SlurmSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: SlurmClient;
  readonly folders: JobFolders;
  readonly arrays: ArrayFolders;
  /** How data and results travel; null where a folder is shared. */
  readonly deliveries: DeliveredJobs | null;
  readonly #view: SchedulerView<NativeJob>;
  /** Asked about what Slurm does not know. It may be away while Slurm is there, and slower; null where nobody asks it. */
  readonly #accounting: SchedulerView<readonly NativeJob[]> | null;
  /** For orders, which do not wait for their turn: as many as come while Slurm is being asked are one question. */
  readonly #orders: SchedulerView<NativeJob>;
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
    const isShared = settings.sharedFolder !== null;
    const root = settings.sharedFolder ?? parts.surroundings.stateFolder;
    const rootOnNodes = settings.sharedFolderOnNodes ?? root;
    this.folders = new JobFolders(root, rootOnNodes, isShared ? 'THERE' : 'MADE');
    this.arrays = new ArrayFolders(root, rootOnNodes, this.folders);
    this.deliveries = isShared ? null : new DeliveredJobs(parts.surroundings);
    const { client } = parts;
    const spaced = { spacingMs: settings.pollMs, pauses: true };
    this.#view = new SchedulerView((ids) => client.jobs(ids), spaced);
    this.#accounting =
      settings.accounting === 'off'
        ? null
        : new SchedulerView((ids) => client.history(ids), spaced);
    this.#orders = new SchedulerView((ids) => client.jobs(ids), { spacingMs: 0, pauses: false });
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
    const views = [this.#view, this.#orders, this.#accounting];
    for (const view of views) view?.close(this.#closedError('inspect'));
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
    const jobs = await Promise.all([...new Set(ids)].map((id) => this.#orders.look(id)));
    return jobs.filter((job) => job !== null).filter((job) => isOurs(job, record));
  }

  /** What Slurm is asked for. */
  async requestOf(record: JobRecord): Promise<BatchRequest> {
    if (record.delivered !== true || this.deliveries === null) return record.request;
    const inputs = this.folders.read(record.name, 'inputs');
    if (!Array.isArray(inputs)) throw removed();
    return this.deliveries.request(record, inputs as readonly InputFile[]);
  }

  /** What came back by the launcher; null where the folder is shared. */
  async received(record: JobRecord, operation: string): Promise<Received | null> {
    if (record.delivered !== true || this.deliveries === null) return null;
    return this.deliveries.received(record, operation);
  }

  /**
   * The supervisor sees it too, also when Slurm cannot be told, and ends the program without waiting for Slurm's signals. Gives
   * why that could not be written, for example since the job has filled the disk: then Slurm is left to be told.
   */
  wishEnd({ name }: JobRecord): BackendError | null {
    try {
      this.folders.writeOnce(name, 'cancel', { at: this.surroundings.now() });
      return null;
    } catch (error) {
      if (error instanceof BackendError) return error;
      throw error;
    }
  }

  /** Everything that is kept of the job. */
  async remove(record: JobRecord): Promise<void> {
    if (record.delivered === true) await this.deliveries?.release(record);
    await this.folders.remove(record.name, record.mark, this.surroundings.now());
  }

  /** From the files alone: the end that was settled, or that they prove. Null when Slurm must be asked. */
  async provenEnd(record: JobRecord): Promise<JobStatus | null> {
    const settled = this.folders.read(record.name, 'end');
    if (settled !== null && settled !== undefined) return settled as JobStatus;
    if (record.delivered !== true) {
      const exit = this.folders.read(record.name, 'exit');
      return exit === null ? null : provenEnd(exit);
    }
    const facts = await this.#deliveredFacts(record, { native: null, accounting: null }, 'inspect');
    if (deliveredEnd(facts) === null) return null;
    const judgement = judgeDelivered(facts);
    return judgement.kind === 'STATUS' ? judgement.status : null;
  }

  /** One look. Settles the end, so that it is the same for everybody for ever. NotFound when the job vanished. */
  async observe(record: JobRecord, operation: string): Promise<JobStatus> {
    const { name } = record;
    const proven = await this.provenEnd(record);
    if (proven !== null) return this.#settle(record, proven);
    const id = this.runnerId(name);
    const said = await this.#look(id, record);
    this.assertOpen(operation);
    const judgement =
      record.delivered === true
        ? judgeDelivered(await this.#deliveredFacts(record, said, operation))
        : this.#judgeFiles(record, said);
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

  async #look(id: string | null, record: JobRecord): Promise<Said> {
    if (id === null) return this.#saw(record, { native: null, accounting: null });
    const found = await this.#view.look(id);
    if (found !== null && isOurs(found, record)) {
      return this.#saw(record, { native: found, accounting: null });
    }
    return this.#saw(record, await this.#remembered(id, record));
  }

  /** Of a job that Slurm has forgotten, or whose number is somebody else's now. */
  async #remembered(id: string, record: JobRecord): Promise<Said> {
    const records = await this.#accounting?.look(id).catch((error: unknown) => {
      // How long the job has been over counts from when there is an answer again.
      this.#overSince.delete(record.mark);
      throw this.#accountingError(error, id);
    });
    if (records === null || records === undefined) return { native: null, accounting: null };
    const ours = records.filter((one) => isOurs(one, record));
    const started = this.folders.read(record.name, 'started');
    const restarts = started === null ? null : (numberIn(started, 'restarts') ?? 0);
    const { end, alive } = accountedOf(ours, restarts);
    if (end !== null) return { native: end, accounting: null };
    return {
      native: null,
      accounting: { alive, lagMs: this.settings.accountingLagSeconds * 1000 },
    };
  }

  /** Slurm itself answered, so this is no reason to ask it less: others of its jobs are seen and submitted as ever. */
  #accountingError(error: unknown, id: string): unknown {
    if (!(error instanceof BackendError) || error.kind === 'Closed') return error;
    const { operation, retryAfterMs } = error;
    const message = `Slurm has forgotten job ${id}, and its accounting does not answer: ${error.message}`;
    const more = { cause: error, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
    return new BackendError('Unexpected', operation, message, more);
  }

  #saw(record: JobRecord, said: Said): Said {
    const { native } = said;
    const over = this.#overSince.get(record.mark) ?? this.surroundings.now();
    if (native !== null && !isEndState(native)) this.#overSince.delete(record.mark);
    else this.#overSince.set(record.mark, over);
    return said;
  }

  #judgeFiles(record: JobRecord, said: Said): Judgement {
    const { name, mark } = record;
    return judge({
      ...said,
      started: this.folders.read(name, 'started'),
      exit: this.folders.read(name, 'exit'),
      cancel: this.folders.read(name, 'cancel'),
      scriptOutput: this.#scriptOutput(record),
      beatAgeMs: this.#age(this.folders.beatAt(name)),
      overForMs: this.#overFor(mark),
      visibilityMs: this.settings.visibilitySeconds * 1000,
    });
  }

  /** What the launcher told is read after Slurm was asked: a job that is over has told everything. */
  async #deliveredFacts(record: JobRecord, said: Said, operation: string): Promise<DeliveredFacts> {
    const { name, mark } = record;
    const { native } = said;
    const received = await this.received(record, operation);
    const heardAt = received?.heardAt ?? null;
    if (heardAt !== null && native !== null && !this.folders.has(name, 'started')) {
      this.folders.writeOnce(name, 'started', { at: native.startedAt ?? heardAt });
    }
    return {
      exit: received?.exit ?? null,
      heardAt,
      heardAgeMs: this.#age(heardAt),
      startedAt: numberIn(this.folders.read(name, 'started'), 'at'),
      cancel: this.folders.read(name, 'cancel'),
      ...said,
      overForMs: this.#overFor(mark),
      visibilityMs: this.settings.visibilitySeconds * 1000,
    };
  }

  async #settle(record: JobRecord, status: JobStatus): Promise<JobStatus> {
    const { name, mark } = record;
    this.#overSince.delete(mark);
    if (!this.folders.has(name, 'end')) {
      this.folders.writeOnce(name, 'end', status);
      await this.folders.forgetSecrets(name);
    }
    return (await this.provenEnd(record)) ?? status;
  }

  #scriptOutput({ name, array }: JobRecord): string {
    const own = this.folders.scriptOutput(name);
    return own === '' && array !== undefined
      ? this.arrays.scriptOutput(array.name, array.index)
      : own;
  }

  #overFor(mark: string): number {
    const now = this.surroundings.now();
    return now - (this.#overSince.get(mark) ?? now);
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

function numberIn(value: unknown, name: string): number | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'number' ? found : null;
}

function textIn(value: unknown, name: string): string | null {
  const found = isJsonObject(value) ? value[name] : null;
  return typeof found === 'string' ? found : null;
}
