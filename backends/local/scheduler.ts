import type { JobStatus } from '../contract/job-runner.ts';
import type { Resources } from '../../domain/resources.ts';
import type { Allocation, Capacity, Demand } from './allocation.ts';
import { allocate, misfit } from './allocation.ts';
import type { LocalClient } from './client.ts';
import { queueMessage } from './queue-message.ts';
import type { JobGrant, LaunchRecord, ServiceGrant, ServiceWish } from './control/record.ts';

const allocationsFile = 'allocations.json';

/**
 * Who may start, in the order of arrival. What is held stands in one file that is read and written
 * under a lock, so several servers on one folder never give away the same thing; each grant is
 * repeated in the folder of whom it was made to.
 */
export class Scheduler {
  capacity: Capacity;
  /** What the driver said when it was asked for GPUs. */
  gpuEvidence: string;
  readonly #client: LocalClient;
  /** In the order of arrival. */
  readonly #jobs: LaunchRecord[] = [];
  readonly #services: LaunchRecord[] = [];
  readonly #known = new Map<string, LaunchRecord>();
  readonly #granted = new Set<string>();
  #held: readonly Allocation[] = [];

  readonly #now: () => number;

  constructor(client: LocalClient, capacity: Capacity, gpuEvidence: string, now: () => number) {
    this.#client = client;
    this.capacity = capacity;
    this.gpuEvidence = gpuEvidence;
    this.#now = now;
  }

  /** Every job that has not ended and every service, as far as they are known here. */
  get jobs(): readonly LaunchRecord[] {
    return this.#jobs;
  }

  get services(): readonly LaunchRecord[] {
    return this.#services;
  }

  get held(): readonly Allocation[] {
    return this.#held;
  }

  knows(kind: LaunchRecord['kind'], name: string): boolean {
    return this.#known.has(`${kind === 'JOB' ? 'job' : 'service'}/${name}`);
  }

  isGranted(record: LaunchRecord): boolean {
    return this.#granted.has(record.mark);
  }

  add(record: LaunchRecord): void {
    const list = record.kind === 'JOB' ? this.#jobs : this.#services;
    if (this.#known.get(idOf(record))?.mark === record.mark) return;
    this.#known.set(idOf(record), record);
    const position = list.findLastIndex((one) => isBefore(one, record));
    list.splice(position + 1, 0, record);
    if (record.kind === 'JOB' && this.#client.has('JOB', record.name, 'grant')) {
      this.#granted.add(record.mark);
    }
  }

  drop(record: LaunchRecord): void {
    if (this.#known.get(idOf(record))?.mark === record.mark) this.#known.delete(idOf(record));
    const list = record.kind === 'JOB' ? this.#jobs : this.#services;
    const position = list.findIndex(({ mark }) => mark === record.mark);
    if (position >= 0) list.splice(position, 1);
    this.#granted.delete(record.mark);
  }

  /** Takes over what another process gave away. */
  observe(): void {
    this.#held = this.#readHeld();
  }

  /** Grants what fits now. Null when another process is at it: call again soon. */
  pass(): {
    readonly jobs: readonly LaunchRecord[];
    readonly services: readonly LaunchRecord[];
  } | null {
    return this.#client.locked(() => {
      const before = this.#readHeld();
      const kept = before.filter((one) => this.#isHeld(one));
      const demands = this.#demands(new Set(kept.map(({ id }) => id)));
      const added = allocate(this.capacity, kept, demands, this.#now());
      this.#held = [...kept, ...added];
      if (added.length > 0 || kept.length < before.length) {
        this.#client.writeShared(allocationsFile, this.#held);
      }
      return { jobs: this.#grantJobs(), services: this.#grantServices() };
    });
  }

  /** Why it was not granted yet. */
  waiting(record: LaunchRecord): NonNullable<JobStatus['waiting']> {
    const { resources } = record;
    const never = misfit(this.capacity, resources);
    if (never !== null) {
      return { ...never, raw: never.code === 'NO_ACCELERATOR' ? this.gpuEvidence : null };
    }
    const first = this.#firstWaiting();
    const isBehind = first !== undefined && isBefore(first, record);
    const message = queueMessage(
      record,
      this.capacity,
      this.#held.map((one) => ({ ...one, holder: this.#known.get(ownerOf(one.id)) ?? null })),
      isBehind ? first : null,
    );
    return { code: 'RESOURCES_BUSY', message, raw: null };
  }

  /** The job at the head of the queue; one that can never run here stands in nobody's way. */
  #firstWaiting(): LaunchRecord | undefined {
    return this.#jobs.find(
      (job) =>
        !this.#granted.has(job.mark) &&
        misfit(this.capacity, job.resources) === null &&
        !this.#isOver(job.name),
    );
  }

  #grantJobs(): readonly LaunchRecord[] {
    const fresh: LaunchRecord[] = [];
    for (const allocation of this.#held) {
      const record = this.#known.get(allocation.id);
      if (record?.kind !== 'JOB' || this.#granted.has(record.mark)) continue;
      const grant: JobGrant = { gpus: allocation.gpus };
      this.#client.writeOnce('JOB', record.name, 'grant', grant);
      this.#granted.add(record.mark);
      fresh.push(record);
    }
    return fresh;
  }

  #grantServices(): readonly LaunchRecord[] {
    const changed: LaunchRecord[] = [];
    for (const record of this.#services) {
      const slots = this.#held
        .filter(({ id }) => id.startsWith(`${idOf(record)}/`))
        .map(({ id, gpus }) => ({ slot: Number(id.split('/')[2]), gpus }))
        .toSorted((a, b) => a.slot - b.slot);
      const grant: ServiceGrant = { slots };
      const before = this.#client.read('SERVICE', record.name, 'grant');
      if (JSON.stringify(before ?? { slots: [] }) === JSON.stringify(grant)) continue;
      this.#client.replace('SERVICE', record.name, 'grant', grant);
      changed.push(record);
    }
    return changed;
  }

  *#demands(held: ReadonlySet<string>): Generator<Demand> {
    for (const record of inOrder(this.#services, this.#jobs)) {
      const { resources } = record;
      for (const id of this.#wantedIds(record)) {
        if (!held.has(id)) yield { id, resources, ends: record.kind === 'JOB' };
      }
    }
  }

  #wantedIds(record: LaunchRecord): readonly string[] {
    if (record.kind === 'JOB') {
      const isOver = this.#granted.has(record.mark) || this.#isOver(record.name);
      return isOver ? [] : [idOf(record)];
    }
    const wish = this.#wish(record.name);
    const count = wish === null || wish.released ? 0 : wish.replicas;
    return Array.from({ length: count }, (_, slot) => `${idOf(record)}/${slot}`);
  }

  #isHeld({ id }: Allocation): boolean {
    const [kind, name = '', slot] = id.split('/');
    if (kind === 'job')
      return this.#client.has('JOB', name) && !this.#client.has('JOB', name, 'exit');
    const wish = this.#wish(name);
    return wish !== null && !wish.released && Number(slot) < wish.replicas;
  }

  #isOver(name: string): boolean {
    return this.#client.has('JOB', name, 'cancel') || this.#client.has('JOB', name, 'exit');
  }

  #wish(name: string): ServiceWish | null {
    return (this.#client.read('SERVICE', name, 'wanted') as ServiceWish | null | undefined) ?? null;
  }

  /** When the file is lost, the grants in the folders are what is held. */
  #readHeld(): readonly Allocation[] {
    const stored = this.#client.readShared(allocationsFile);
    if (Array.isArray(stored)) return stored as readonly Allocation[];
    const held: Allocation[] = [];
    for (const record of this.#jobs) {
      const grant = this.#client.read('JOB', record.name, 'grant') as JobGrant | null | undefined;
      if (grant == null) continue;
      // When it was granted is lost with the file: at the latest now.
      const until = this.#now() + record.resources.timeLimitSeconds * 1000;
      held.push(allocation(idOf(record), record.resources, grant.gpus, until));
    }
    for (const record of this.#services) {
      const grant = this.#client.read('SERVICE', record.name, 'grant') as
        ServiceGrant | null | undefined;
      for (const { slot, gpus } of grant?.slots ?? []) {
        held.push(allocation(`${idOf(record)}/${slot}`, record.resources, gpus, null));
      }
    }
    return held;
  }
}

function allocation(
  id: string,
  { cpus, memoryMiB }: Resources,
  gpus: readonly number[],
  until: number | null,
): Allocation {
  return { id, cpus, memoryMiB, gpus, until };
}

/** The job or service of an allocation: its id without the slot. */
function ownerOf(id: string): string {
  return id.split('/').slice(0, 2).join('/');
}

function idOf(record: LaunchRecord): string {
  return `${record.kind === 'JOB' ? 'job' : 'service'}/${record.name}`;
}

function* inOrder(
  some: readonly LaunchRecord[],
  others: readonly LaunchRecord[],
): Generator<LaunchRecord> {
  let position = 0;
  for (const one of some) {
    for (let other = others[position]; other !== undefined && isBefore(other, one);) {
      yield other;
      other = others[++position];
    }
    yield one;
  }
  yield* others.slice(position);
}

function isBefore(a: LaunchRecord, b: LaunchRecord): boolean {
  if (a.submittedAt !== b.submittedAt) return a.submittedAt < b.submittedAt;
  return a.sequence !== b.sequence ? a.sequence < b.sequence : a.name < b.name;
}
