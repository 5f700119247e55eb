import { isJsonObject } from '../../domain/json.ts';
import type { Claims } from './claims.ts';
import { removed } from './claims.ts';
import { isForGood } from './errors.ts';
import type { JobRecord } from './job-folders.ts';
import type { Site } from './site.ts';

/**
 * Brings a job whose folder stands into Slurm, once, under the claim of its folder. A job that Slurm took late, after all,
 * finds its folder taken by the other one and does nothing.
 */
export class Submission {
  readonly #site: Site;
  readonly #claims: Claims;

  constructor(site: Site, claims: Claims) {
    this.#site = site;
    this.#claims = claims;
  }

  /** The job's id. `isNew`: we made the folder just now and hold its first claim, so Slurm can have no job of it. */
  async finish(record: JobRecord, isNew: boolean, signal: AbortSignal): Promise<string> {
    const { folders } = this.#site;
    const folder = folders.folder(record.name);
    const number = isNew ? 0 : await this.#claims.take(folder, () => this.#look(record), signal);
    // Somebody else brought it to its end.
    if (number === null) return this.#site.jobId(record.name) ?? this.finish(record, false, signal);
    try {
      return await this.#submit(record, !isNew);
    } catch (error) {
      if (isForGood(error)) {
        await this.#site.remove(record);
      } else {
        this.#claims.giveUp(folder, number);
      }
      throw error;
    }
  }

  #look(record: JobRecord): 'WANTED' | 'DONE' {
    this.#site.assertOpen('submit');
    if (this.#site.jobId(record.name) !== null) return 'DONE';
    if (this.#site.folders.record(record.name)?.mark !== record.mark) throw removed();
    return 'WANTED';
  }

  async #submit(record: JobRecord, mustLook: boolean): Promise<string> {
    const { client } = this.#site;
    const found = mustLook ? await this.#find(record) : null;
    const id = found ?? (await client.submit(await this.#site.requestOf(record)));
    const kept = this.#site.keepId(record, id, found !== null);
    if (kept !== null) {
      if (record.delivered === true) await this.#site.folders.forgetSecrets(record.name);
      return kept;
    }
    // Released while Slurm was taking it: nobody will ever ask for this job again.
    await client.cancel(id).catch(() => undefined);
    throw removed();
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
}
