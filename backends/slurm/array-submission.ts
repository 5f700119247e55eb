import { randomUUID } from 'node:crypto';
import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { JobArray } from '../contract/job-runner.ts';
import type { ArrayRecord } from './array-folders.ts';
import { taskNumbers } from './array-folders.ts';
import type { Claims } from './claims.ts';
import { removed } from './claims.ts';
import { isForGood } from './errors.ts';
import type { JobRecord } from './job-folders.ts';
import type { Order } from './order.ts';
import { orderOf } from './order.ts';
import type { BatchRequest } from './native.ts';
import { baseOf } from './native.ts';
import type { Site } from './site.ts';
import { arrayScript, commentOf, nativeName } from './translate.ts';

const placedAtATime = 4;
const refusalsKept = 1000;

/**
 * Hands jobs over together. The folder of the array names the jobs; each gets its own folder, which names the array; who is
 * really in it is settled once, before Slurm is asked once, all under the array's claim. So whoever finds any of these
 * folders can finish what was begun: one array, or none and then each job by itself. An element that runs a second time
 * finds the folder of its job taken, as any other late job does.
 */
export class ArraySubmission {
  readonly #site: Site;
  readonly #claims: Claims;
  readonly #underWay = new Map<string, Promise<void>>();
  /** Arrays that Slurm refused, by key: an error when it was for being an array; null when each job is to hear for itself. */
  readonly #refused = new Map<string, BackendError | null>();

  constructor(site: Site, claims: Claims) {
    this.#site = site;
    this.#claims = claims;
  }

  /** Sees to it that the job, which has no folder, gets one in an array. False when it is to be submitted alone. */
  async handOver(order: Order, array: JobArray, signal: AbortSignal): Promise<boolean> {
    const { arrays, folders } = this.#site;
    for (let part = 0; ; part++) {
      const refused = this.#refused.get(array.key);
      if (refused === null) return false;
      if (refused !== undefined) throw refused;
      const name = arrayName(array.key, part);
      if (arrays.record(name) === null) {
        await this.#once(name, () => this.#make(name, part, { order, array, signal }));
      }
      const there = arrays.record(name);
      if (there === null) return folders.record(order.record.name) !== null;
      const isMember = there.members.includes(order.record.name);
      if (isMember || there.hasNext) {
        await this.#once(name, () => this.#finish(there, array, signal));
      }
      if (isMember || !there.hasNext) return folders.record(order.record.name) !== null;
    }
  }

  /** The id of the element that is this job; null when the array has no such element, or is not there any more. */
  async element(
    { name, mark, array: place }: JobRecord,
    array: JobArray | null,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { arrays } = this.#site;
    const record = place === undefined ? null : arrays.record(place.name);
    if (place === undefined || record?.mark !== place.mark) return null;
    if (arrays.native(record.name) === null) {
      await this.#once(record.name, () => this.#finish(record, array, signal));
    }
    const id = arrays.native(record.name)?.id ?? null;
    const isIn = arrays.marks(record.name)?.[place.index] === mark;
    const isThere = arrays.record(record.name)?.mark === record.mark;
    this.#site.assertOpen('submit');
    if (isThere && arrays.native(record.name) === null) throw removed();
    if (this.#site.folders.record(name)?.mark !== mark) throw removed();
    return id === null || !isIn || !isThere ? null : `${id}_${place.index}`;
  }

  /** Who comes while it is being done waits for it, and shares its failure. */
  async #once(name: string, work: () => Promise<void>): Promise<void> {
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    const doing = work().finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, doing);
    return doing;
  }

  /** Makes the folder of the array, unless there is too little for one. */
  async #make(
    name: string,
    part: number,
    given: { readonly order: Order; readonly array: JobArray; readonly signal: AbortSignal },
  ): Promise<void> {
    const { arrays, settings, surroundings } = this.#site;
    const { order, array, signal } = given;
    const orders = await this.#ordersOf(array, order.record.request);
    this.#site.assertOpen('submit');
    const isThere = orders.some((one) => one.record.name === order.record.name);
    if (!isThere || (part === 0 && orders.length < 2)) return;
    const mark = randomUUID().slice(0, 13);
    const folder = arrays.folderOnNodes(name);
    const { atOnce } = array;
    const record: ArrayRecord = {
      version: 1,
      name,
      key: array.key,
      title: array.title,
      mark,
      submittedAt: surroundings.now(),
      members: orders.slice(0, settings.arrayLimit).map((one) => one.record.name),
      part,
      hasNext: orders.length > settings.arrayLimit,
      atOnce: atOnce === null ? null : Math.max(1, Math.floor(atOnce)),
      request: {
        ...order.record.request,
        name,
        comment: commentOf(mark),
        script: arrayScript(folder),
        folder,
        // The number of the element, which Slurm fills in.
        output: `${folder}/%a.out`,
      },
    };
    if (!(await arrays.create(record, this.#claims.first()))) return;
    await this.#finishUnder(0, record, orders, signal);
  }

  /** Those that nobody has submitted, and that ask for the same. */
  async #ordersOf(array: JobArray, like: BatchRequest): Promise<readonly Order[]> {
    const orders = new Map<string, Order>();
    for (const { key, workload } of await array.members()) {
      try {
        const order = orderOf(this.#site, workload, key);
        if (wishes(order.record.request) !== wishes(like)) continue;
        if (this.#site.folders.record(order.record.name) !== null) continue;
        orders.set(order.record.name, order);
      } catch (error) {
        // What cannot be run says so when it is submitted itself.
        if (!isForGood(error)) throw error;
      }
    }
    return [...orders.values()];
  }

  async #finish(record: ArrayRecord, array: JobArray | null, signal: AbortSignal): Promise<void> {
    const { arrays } = this.#site;
    const folder = arrays.folder(record.name);
    const look = (): 'WANTED' | 'DONE' => {
      this.#site.assertOpen('submit');
      const isOther = arrays.record(record.name)?.mark !== record.mark;
      return isOther || arrays.native(record.name) !== null ? 'DONE' : 'WANTED';
    };
    if (look() === 'DONE') return;
    const number = await this.#claims.take(folder, look, signal);
    if (number === null) return;
    const isSettled = arrays.marks(record.name) !== null;
    const orders = async (): Promise<readonly Order[]> =>
      array === null || isSettled ? [] : this.#ordersOf(array, record.request);
    await this.#finishUnder(number, record, orders, signal);
  }

  async #finishUnder(
    number: number,
    record: ArrayRecord,
    orders: readonly Order[] | (() => Promise<readonly Order[]>),
    signal: AbortSignal,
  ): Promise<void> {
    const { arrays } = this.#site;
    try {
      if (arrays.marks(record.name) === null) {
        const wanted = typeof orders === 'function' ? await orders() : orders;
        await this.#settleMembers(number, record, wanted, signal);
      }
      await this.#submit(number, record);
    } catch (error) {
      if (!isForGood(error)) {
        this.#claims.giveUp(arrays.folder(record.name), number);
        throw error;
      }
      const refusal = refusalOfArrays(error);
      await this.#refuse(record, refusal);
      if (refusal !== null) throw refusal;
    }
  }

  async #settleMembers(
    claim: number,
    record: ArrayRecord,
    orders: readonly Order[],
    signal: AbortSignal,
  ): Promise<void> {
    const { arrays, folders } = this.#site;
    const rest = orders.filter((order) => record.members.includes(order.record.name));
    const worker = async (): Promise<void> => {
      for (let order = rest.shift(); order !== undefined; order = rest.shift()) {
        this.#site.assertOpen('submit');
        await this.#place(record, order, signal);
        this.#claims.renew(arrays.folder(record.name), claim);
      }
    };
    const workers = Array.from({ length: placedAtATime }, worker);
    await Promise.all(workers).finally(() => rest.splice(0));
    const marks = record.members.map((name) => {
      const job = folders.record(name);
      return job?.array?.mark === record.mark ? job.mark : null;
    });
    if (
      !arrays.writeOnce(record.name, 'members', { marks }) &&
      arrays.marks(record.name) === null
    ) {
      throw removed();
    }
  }

  async #place(array: ArrayRecord, order: Order, signal: AbortSignal): Promise<void> {
    const { folders, surroundings } = this.#site;
    const index = array.members.indexOf(order.record.name);
    const place = { name: array.name, mark: array.mark, index };
    try {
      await folders.create(
        { ...order.record, array: place },
        {
          workload: order.workload,
          launch: order.launch,
          delivered: order.delivered,
          claim: this.#claims.none(),
          placeBlob: surroundings.placeBlob,
          signal,
        },
      );
    } catch (error) {
      if (!isForGood(error)) throw error;
    }
  }

  async #submit(claim: number, record: ArrayRecord): Promise<void> {
    const { arrays, client, surroundings } = this.#site;
    const marks = arrays.marks(record.name) ?? [];
    const numbers = marks.flatMap((mark, index) => (mark === null ? [] : [index]));
    const found = claim > 0 ? await this.#find(record, numbers) : null;
    let id = found;
    if (id === null && numbers.length > 0) {
      await arrays.tellNodes(record, marks);
      this.#claims.assertOurs(arrays.folder(record.name), claim);
      const tasks = taskNumbers(numbers, record.atOnce);
      id = await client.submit({
        ...record.request,
        array: { tasks, after: this.#before(record) },
      });
    }
    const kept = { id, at: surroundings.now(), adopted: found !== null };
    if (arrays.writeOnce(record.name, 'array', kept) || arrays.native(record.name) !== null) return;
    // Released while Slurm was taking it.
    if (id !== null) await client.cancel(id).catch(() => undefined);
    throw removed();
  }

  /** Together they must not be more at the same time than one alone would be. */
  #before({ key, part, atOnce }: ArrayRecord): string | null {
    if (part === 0 || atOnce === null) return null;
    return this.#site.arrays.native(arrayName(key, part - 1))?.id ?? null;
  }

  /** An array that Slurm took although its reply was lost, or whoever heard it is gone. */
  async #find(record: ArrayRecord, numbers: readonly number[]): Promise<string | null> {
    for (const number of numbers) {
      const runner = this.#site.folders.read(record.members[number] ?? '', 'runner');
      const job = isJsonObject(runner) ? runner['job'] : null;
      if (typeof job === 'string' && job.endsWith(`_${number}`)) return baseOf(job);
    }
    const jobs = await this.#site.client.named(record.name);
    const ours = jobs.filter(({ comment }) => comment === record.request.comment);
    const [first] = ours.map(({ id }) => baseOf(id)).toSorted((a, b) => Number(a) - Number(b));
    return first ?? null;
  }

  /** The array goes first: a job whose array is not there is a job by itself. */
  async #refuse(record: ArrayRecord, refusal: BackendError | null): Promise<void> {
    const { arrays, folders, surroundings } = this.#site;
    this.#refused.set(record.key, refusal);
    const [oldest] = this.#refused.keys();
    if (oldest !== undefined && this.#refused.size > refusalsKept) this.#refused.delete(oldest);
    await arrays.remove(record, surroundings.now());
    for (const name of record.members) {
      const job = folders.record(name);
      if (job?.array?.mark !== record.mark) continue;
      await folders.remove(name, job.mark, surroundings.now());
    }
  }
}

function arrayName(key: string, part: number): string {
  return nativeName(part === 0 ? `array ${key}` : `array ${key} part ${part}`);
}

/** What all elements of an array have in common. */
function wishes(request: BatchRequest): string {
  const own = { name: '', comment: '', script: '', folder: '', output: '' };
  return JSON.stringify({ ...request, ...own });
}

/** Null when it is not for being an array. */
function refusalOfArrays({ kind, operation, message }: BackendError): BackendError | null {
  if (!/job array/i.test(message)) return null;
  const more = 'Is arrayLimit larger than the MaxArraySize of the site?';
  return new BackendError(kind, operation, `${message} ${more}`);
}
