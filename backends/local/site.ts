import { BackendError } from '../contract/error.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import type { Handle } from '../contract/workload.ts';
import { Bell } from './bell.ts';
import { buryJob, endUnclaimed } from './burial.ts';
import type { Kind, LocalClient } from './client.ts';
import { asBackendError } from './client.ts';
import type { LocalSettings } from './config.ts';
import { currentClaim } from './control/claim.ts';
import type { LaunchRecord, ServiceWish } from './control/record.ts';
import type { Scheduler } from './scheduler.ts';
import { isNativeName } from './translate.ts';

type Secrets = Readonly<Record<string, string>>;

const lookEveryMs = 1000;
const rescanEvery = 5;
const launchesBeforeGivingUp = 5;

/**
 * What jobs and services have in common: what is there, the queue, and supervisors that are to run.
 * It looks when a bell rings and once a second; each look only compares files with processes, so
 * it does not matter who was killed when.
 */
export class Site {
  readonly name: string;
  readonly settings: LocalSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: LocalClient;
  readonly scheduler: Scheduler;
  readonly bell: Bell;
  /** Called with the name of a service whose files changed. */
  onServiceChange: (name: string) => void = () => undefined;
  /** By mark. In memory only. */
  readonly #secrets = new Map<string, Secrets>();
  readonly #launching = new Map<string, Promise<void>>();
  readonly #failedLaunches = new Map<string, { count: number; nextAt: number }>();
  readonly #timer: NodeJS.Timeout;
  /** Names of jobs that are over, which a rescan need not open again. */
  readonly #over = new Set<string>();
  #looks = 0;
  #looking = false;
  /** At the last look. */
  #dispatched = false;
  #closed = false;

  constructor(parts: {
    readonly name: string;
    readonly settings: LocalSettings;
    readonly surroundings: BackendSurroundings;
    readonly client: LocalClient;
    readonly scheduler: Scheduler;
  }) {
    this.name = parts.name;
    this.settings = parts.settings;
    this.surroundings = parts.surroundings;
    this.client = parts.client;
    this.scheduler = parts.scheduler;
    this.bell = new Bell(this.client.bellFolder, (file) => this.#heard(file));
    this.#timer = setInterval(() => void this.look(), lookEveryMs);
    this.#timer.unref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.bell.close();
    this.client.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  assertOpen(operation: string): void {
    if (this.#closed) throw new BackendError('Closed', operation, `${this.name} is closed.`);
  }

  handle(kind: Kind, name: string): Handle {
    return { backend: this.name, version: 1, native: { kind, name } };
  }

  /** The record behind a handle. NotFound when it is not one of ours or was released. */
  find(handle: Handle, kind: Kind, operation: string): LaunchRecord {
    this.assertOpen(operation);
    const { name } = handle.native;
    const isOurs = handle.backend === this.name && handle.native['kind'] === kind;
    const record = isOurs && isNativeName(name) ? this.client.record(kind, name) : null;
    if (record !== null) return record;
    const what = kind === 'JOB' ? 'job' : 'service';
    throw new BackendError('NotFound', operation, `There is no such ${what} on ${this.name}.`);
  }

  /** Takes up what was made just now, or is there again. */
  enter(record: LaunchRecord, secrets: Secrets | null): void {
    if (secrets !== null && record.launch.secretNames.length > 0) {
      this.#secrets.set(record.mark, secrets);
    }
    if (record.kind === 'JOB') this.#over.delete(record.name);
    this.scheduler.add(record);
  }

  /** Lets go of what ended or was released. */
  leave(record: LaunchRecord): void {
    this.scheduler.drop(record);
    this.#secrets.delete(record.mark);
    this.#failedLaunches.delete(record.mark);
  }

  /** Whether a supervisor of it could be started now: its secrets are known here, or it has none. */
  canLaunch(record: LaunchRecord): boolean {
    return record.launch.secretNames.length === 0 || this.#secrets.has(record.mark);
  }

  isClaimed(record: LaunchRecord): boolean {
    return currentClaim(this.client.folder(record.kind, record.name)) !== null;
  }

  bellName(record: LaunchRecord): string {
    return record.bell.slice(this.client.bellFolder.length + 1);
  }

  /** Reads the folders: what an earlier process, or another one, left there. */
  rescan(): void {
    for (const kind of ['JOB', 'SERVICE'] as const) {
      for (const name of this.client.names(kind)) {
        if (this.scheduler.knows(kind, name)) continue;
        if (kind === 'JOB' && this.#over.has(name)) continue;
        if (kind === 'JOB' && this.client.has('JOB', name, 'exit')) this.#over.add(name);
        else this.#enterByName(kind, name);
      }
    }
  }

  /** One look at everything that has not ended. Never rejects. */
  async look(): Promise<void> {
    if (this.#looking || this.#closed) return;
    this.#looking = true;
    try {
      const mayDispatch = this.#mayDispatch;
      const isNew = mayDispatch && !this.#dispatched;
      this.#dispatched = mayDispatch;
      if (++this.#looks % rescanEvery === 0 || isNew) this.rescan();
      for (const service of this.scheduler.services) {
        if (!this.client.has('SERVICE', service.name)) this.leave(service);
        this.onServiceChange(service.name);
      }
      if (!mayDispatch) {
        this.#lookOn();
        return;
      }
      for (const job of this.scheduler.jobs.filter((one) => this.#isBegun(one))) {
        await this.lookAtJob(job);
      }
      this.schedule();
      this.#startMissing();
    } catch (error) {
      if (!this.#closed) this.#complain(error);
    } finally {
      this.#looking = false;
    }
  }

  get #mayDispatch(): boolean {
    return this.surroundings.mayDispatch?.() ?? true;
  }

  /** What another process did, for the sake of those who ask how busy this place is. */
  #lookOn(): void {
    const isOver = ({ name }: LaunchRecord): boolean =>
      !this.client.has('JOB', name) || this.client.has('JOB', name, 'exit');
    for (const job of this.scheduler.jobs.filter(isOver)) this.leave(job);
    this.scheduler.observe();
  }

  /** Grants what fits and starts it. */
  schedule(): void {
    if (this.#closed || !this.#mayDispatch) return;
    const granted = this.scheduler.pass();
    if (granted === null) {
      setTimeout(() => this.#scheduleAgain(), 20).unref();
      return;
    }
    for (const job of granted.jobs) {
      // Its supervisor may be there already, waiting with the secrets.
      if (!this.client.ringSupervisor('JOB', job.name)) void this.launch(job);
      this.bell.ring(this.bellName(job));
    }
    for (const service of granted.services) {
      if (!this.client.ringSupervisor('SERVICE', service.name)) void this.launch(service);
      this.bell.ring(this.bellName(service));
    }
  }

  /** Who granted it may have been killed before it was started. */
  finishStart(record: LaunchRecord): void {
    const isGranted = this.client.has(record.kind, record.name, 'grant');
    if (isGranted && !this.isClaimed(record)) void this.launch(record);
  }

  /** Starts a supervisor unless one is there. Does not reject; failures are counted and tried again. */
  launch(record: LaunchRecord): Promise<void> {
    const underWay = this.#launching.get(record.mark);
    if (underWay !== undefined) return underWay;
    const failed = this.#failedLaunches.get(record.mark);
    const isEarly = failed !== undefined && this.surroundings.now() < failed.nextAt;
    if (this.#closed || isEarly || !this.canLaunch(record)) return Promise.resolve();
    const launch = this.#launch(record).finally(() => this.#launching.delete(record.mark));
    this.#launching.set(record.mark, launch);
    return launch;
  }

  async #launch(record: LaunchRecord): Promise<void> {
    const { mark, kind, name } = record;
    try {
      await this.client.launchSupervisor(kind, name, this.#secrets.get(mark) ?? {});
      this.#failedLaunches.delete(mark);
    } catch (error) {
      if (this.#closed || !this.client.has(kind, name)) return;
      const count = (this.#failedLaunches.get(mark)?.count ?? 0) + 1;
      const nextAt = this.surroundings.now() + Math.min(250 * 2 ** count, 30_000);
      this.#failedLaunches.set(mark, { count, nextAt });
      this.#complain(error);
      if (kind === 'JOB' && count >= launchesBeforeGivingUp) {
        const message = asBackendError(error, 'launch').message;
        endUnclaimed(this.client, record, this.surroundings.now(), {
          cause: 'NOT_STARTED',
          message,
        });
      }
    }
  }

  /** After this look a job whose supervisor is gone has an end, unless we only look on, and one that ended holds nothing. */
  async lookAtJob(record: LaunchRecord): Promise<void> {
    if (this.#mayDispatch) await buryJob(this.client, record, this.surroundings.now());
    if (this.client.has('JOB', record.name) && !this.client.has('JOB', record.name, 'exit')) return;
    this.leave(record);
  }

  #enterByName(kind: Kind, name: string): void {
    const record = this.client.record(kind, name);
    if (record !== null) this.scheduler.add(record);
  }

  #isBegun(job: LaunchRecord): boolean {
    return this.scheduler.isGranted(job) || job.launch.secretNames.length > 0;
  }

  #startMissing(): void {
    for (const job of this.scheduler.jobs) {
      if (!this.#isBegun(job)) continue;
      if (currentClaim(this.client.folder('JOB', job.name)) === null) void this.launch(job);
    }
    for (const service of this.scheduler.services) {
      const wish = this.client.read('SERVICE', service.name, 'wanted') as ServiceWish | null;
      const isIdle = !this.client.has('SERVICE', service.name, 'grant') || wish?.released === true;
      if (isIdle && service.launch.secretNames.length === 0) continue;
      if (currentClaim(this.client.folder('SERVICE', service.name))?.alive !== true) {
        void this.launch(service);
      }
    }
  }

  #heard(file: string): void {
    const [folder, name = ''] = file.split('.');
    if (folder === 'services') this.onServiceChange(name);
    if (folder !== 'jobs' || this.#closed || !this.client.has('JOB', name, 'exit')) return;
    const record = this.scheduler.jobs.find((job) => job.name === name);
    if (record === undefined) return;
    this.leave(record);
    this.#scheduleAgain();
  }

  #scheduleAgain(): void {
    try {
      this.schedule();
    } catch (error) {
      if (!this.#closed) this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.surroundings.log('warn', `${this.name}: ${reason}`);
  }
}
