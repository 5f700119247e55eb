import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { JobRecord } from './job-folders.ts';
import type { Site } from './site.ts';

/** Who is talking to Slurm about a job now. `over` when it stopped without an id. */
interface SubmitClaim {
  readonly host: string;
  readonly pid: number;
  readonly instance: string;
  readonly at: number;
  readonly over: boolean;
}

const lookEveryMs = 50;

/**
 * Brings a job whose folder stands into Slurm, once. One process at a time may talk to Slurm about a job: the claim is a
 * file in the shared folder, numbered, made exclusively. Who takes over a claim first looks for a job that is there
 * already. A job that Slurm took late, after all, finds its folder taken by the other one and does nothing.
 */
export class Submission {
  readonly #site: Site;
  readonly #instance = randomUUID();

  constructor(site: Site) {
    this.#site = site;
  }

  newClaim(): SubmitClaim {
    const at = this.#site.surroundings.now();
    return { host: hostname(), pid: process.pid, instance: this.#instance, at, over: false };
  }

  /** The job's id. `isNew`: we made the folder just now and hold its first claim, so Slurm can have no job of it. */
  async finish(record: JobRecord, isNew: boolean, signal: AbortSignal): Promise<string> {
    const { folders } = this.#site;
    const number = isNew ? 0 : await this.#takeClaim(record, signal);
    // Somebody else brought it to its end.
    if (number === null) return this.#site.jobId(record.name) ?? this.finish(record, false, signal);
    try {
      return await this.#submit(record, !isNew);
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'Rejected') {
        await folders.remove(record.name, record.mark, this.#site.surroundings.now());
      } else {
        folders.replaceClaim(record.name, number, { ...this.newClaim(), over: true });
      }
      throw error;
    }
  }

  /** The number of our claim; null when there is a job by now. */
  async #takeClaim(record: JobRecord, signal: AbortSignal): Promise<number | null> {
    const { folders } = this.#site;
    for (;;) {
      this.#site.assertOpen('submit');
      if (this.#site.jobId(record.name) !== null) return null;
      const latest = folders.latestClaim(record.name);
      if (latest === null || folders.record(record.name)?.mark !== record.mark) throw removed();
      const number = latest.number + 1;
      const isFree = !this.#isHeld(latest.claim);
      if (isFree && folders.claim(record.name, number, this.newClaim())) return number;
      if (signal.aborted) throw stillSubmitting();
      await sleep(lookEveryMs);
    }
  }

  async #submit(record: JobRecord, mustLook: boolean): Promise<string> {
    const { folders, client } = this.#site;
    const found = mustLook ? await this.#find(record) : null;
    const id = found ?? (await client.submit(record.request));
    const now = this.#site.surroundings.now();
    if (!folders.writeOnce(record.name, 'native', { id, at: now, adopted: found !== null })) {
      const there = this.#site.jobId(record.name);
      if (there !== null) return there;
      // Released while Slurm was taking it: nobody will ever ask for this job again.
      await client.cancel(id).catch(() => undefined);
      throw removed();
    }
    return id;
  }

  /** A job that Slurm took although its reply was lost, or whoever heard it is gone. */
  async #find(record: JobRecord): Promise<string | null> {
    const runner = this.#site.folders.read(record.name, 'runner');
    const job = isJsonObject(runner) ? runner['job'] : null;
    if (typeof job === 'string' && job !== '') return job;
    const jobs = await this.#site.client.named(record.name);
    const ours = jobs.filter(({ comment }) => comment === record.request.comment);
    const [first] = ours.toSorted((a, b) => Number(a.id) - Number(b.id));
    return first?.id ?? null;
  }

  #isHeld(claim: unknown): boolean {
    if (!isJsonObject(claim) || claim['over'] === true) return false;
    const { host, pid, at } = claim;
    const age = this.#site.surroundings.now() - (typeof at === 'number' ? at : 0);
    if (age > this.#site.settings.timeoutSeconds * 2000 + 10_000) return false;
    return host !== hostname() || typeof pid !== 'number' || isAlive(pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function removed(): BackendError {
  const message = 'The job was released while it was being submitted.';
  return new BackendError('Unavailable', 'submit', message);
}

function stillSubmitting(): BackendError {
  const message = 'Another process is submitting this job.';
  return new BackendError('Unavailable', 'submit', message);
}
