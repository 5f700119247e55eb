import { BackendError } from '../contract/error.ts';
import type { GpuDevice, GpuRequest, Resources } from '../../domain/resources.ts';

export interface Capacity {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly gpus: readonly GpuDevice[];
}

/** What one job, or one server of a service, holds. */
export interface Allocation {
  readonly id: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly gpus: readonly number[];
  /** When it ends at the latest, epoch milliseconds; null (or absent, in older files) when nobody knows. */
  readonly until?: number | null;
}

export interface Demand {
  readonly id: string;
  readonly resources: Resources;
  /** Of jobs; a server runs until somebody ends it. */
  readonly ends: boolean;
}

/** How many behind the first one that has to wait are looked at: a long queue must not cost a long look. */
const lookedAtBehind = 64;
/** From the grant to the time limit's own start, and from its end to the end of the program. */
const slackMs = 15_000;

/**
 * Whom to start now, first come first served. Who lacks a GPU keeps what is free of the rest of what it needs, and does
 * not hold up those that need none. Behind the first one that lacks processors or memory others may pass as long as they
 * do not delay it: they end, by their time limits, before it could start, or leave room for it when it could.
 */
export function allocate(
  capacity: Capacity,
  held: readonly Allocation[],
  waiting: Iterable<Demand>,
  now: number,
): readonly Allocation[] {
  let { cpus, memoryMiB } = free(capacity, held);
  let gpus = capacity.gpus.filter(({ index }) => !held.some((one) => one.gpus.includes(index)));
  let gpusAreLacking = false;
  let reservation: Reservation | null = null;
  let behind = 0;
  const granted: Allocation[] = [];
  for (const { id, resources, ends } of waiting) {
    if (reservation !== null && ++behind > lookedAtBehind) break;
    if (misfit(capacity, resources) !== null) continue;
    const devices =
      resources.gpus === null ? [] : gpusAreLacking ? null : pick(gpus, resources.gpus);
    const fits = resources.cpus <= cpus + 1e-9 && resources.memoryMiB <= memoryMiB;
    const until = ends ? now + resources.timeLimitSeconds * 1000 + slackMs : null;
    if (reservation === null && !fits) {
      reservation = reserve(capacity, [...held, ...granted], resources);
      gpusAreLacking ||= resources.gpus !== null;
      continue;
    }
    if (reservation !== null) {
      if (!fits || devices === null) continue;
      const delays = until === null || until > reservation.at;
      if (delays && !takeSpare(reservation, resources)) continue;
    }
    cpus -= resources.cpus;
    memoryMiB -= resources.memoryMiB;
    if (devices === null) {
      gpusAreLacking = true;
      continue;
    }
    gpus = gpus.filter((device) => !devices.includes(device));
    granted.push({
      id,
      cpus: resources.cpus,
      memoryMiB: resources.memoryMiB,
      gpus: devices.map(({ index }) => index),
      until,
    });
  }
  return granted;
}

/** When the one that waits can start at the latest, and what it leaves to others then. */
interface Reservation {
  readonly at: number;
  spareCpus: number;
  spareMemoryMiB: number;
}

/** What ends by itself is given back in the order of its ends; what does not may be given back at any time, or never. */
function reserve(
  capacity: Capacity,
  held: readonly Allocation[],
  resources: Resources,
): Reservation {
  let { cpus, memoryMiB } = free(capacity, held);
  const ends = (one: Allocation): number => one.until ?? Infinity;
  for (const one of held.toSorted((a, b) => ends(a) - ends(b))) {
    cpus += one.cpus;
    memoryMiB += one.memoryMiB;
    const spareCpus = cpus - resources.cpus;
    const spareMemoryMiB = memoryMiB - resources.memoryMiB;
    if (spareCpus >= -1e-9 && spareMemoryMiB >= 0) {
      return { at: ends(one), spareCpus, spareMemoryMiB };
    }
  }
  return { at: Infinity, spareCpus: 0, spareMemoryMiB: 0 };
}

function takeSpare(reservation: Reservation, resources: Resources): boolean {
  const { spareCpus, spareMemoryMiB } = reservation;
  if (resources.cpus > spareCpus + 1e-9 || resources.memoryMiB > spareMemoryMiB) return false;
  reservation.spareCpus -= resources.cpus;
  reservation.spareMemoryMiB -= resources.memoryMiB;
  return true;
}

export function free(
  capacity: Capacity,
  held: readonly Allocation[],
): { readonly cpus: number; readonly memoryMiB: number } {
  return {
    cpus: held.reduce((rest, one) => rest - one.cpus, capacity.cpus),
    memoryMiB: held.reduce((rest, one) => rest - one.memoryMiB, capacity.memoryMiB),
  };
}

export interface Misfit {
  readonly code: 'RESOURCES_EXCEED_SITE' | 'NO_ACCELERATOR';
  readonly message: string;
}

/** Why it can never run here, whoever else is there; null when it can. */
export function misfit(capacity: Capacity, resources: Resources): Misfit | null {
  if (resources.cpus > capacity.cpus) {
    return exceeds(
      `${resources.cpus} processors are asked for; there are ${capacity.cpus}. Ask for less in \`resources.cpus\`, or on another backend.`,
    );
  }
  if (resources.memoryMiB > capacity.memoryMiB) {
    return exceeds(
      `${resources.memoryMiB} MiB of memory are asked for; there are ${capacity.memoryMiB}. Ask for less in \`resources.memoryMiB\`, or on another backend.`,
    );
  }
  if (resources.gpus === null) return null;
  const kind = describeGpus(resources.gpus);
  const matching = capacity.gpus.filter((device) => matches(device, resources.gpus)).length;
  if (matching === 0) {
    const others = [...new Set(capacity.gpus.map((gpu) => `${gpu.model} (${gpu.memoryMiB} MiB)`))];
    const there =
      others.length === 0 ? 'There is no GPU at all' : `There are: ${others.join(', ')}`;
    const message = `There is no ${kind} on this machine. ${there}: change \`resources.gpus\`, or ask another backend.`;
    return { code: 'NO_ACCELERATOR', message };
  }
  return matching >= resources.gpus.count
    ? null
    : exceeds(
        `${resources.gpus.count} of ${kind} are asked for; there are ${matching}. Ask for fewer in \`resources.gpus.count\`.`,
      );
}

/** Throws Unsupported for what this machine does not have at all; what it has too little of is waited for, with the reason. */
export function assertOffered(
  site: { readonly capacity: Capacity; readonly gpuEvidence: string },
  { nodes = 1, gpus }: Resources,
  operation: string,
): void {
  if (nodes > 1) {
    throw new BackendError('Unsupported', operation, 'This machine is one node.');
  }
  if (gpus !== null && site.capacity.gpus.length === 0) {
    const message = `There is no GPU on this machine (${site.gpuEvidence}).`;
    throw new BackendError('Unsupported', operation, message);
  }
}

/** The smallest that do, so that large ones are left for those who need them. */
function pick(gpus: readonly GpuDevice[], request: GpuRequest): readonly GpuDevice[] | null {
  const matching = gpus
    .filter((device) => matches(device, request))
    .toSorted((a, b) => a.memoryMiB - b.memoryMiB || a.index - b.index);
  return matching.length < request.count ? null : matching.slice(0, request.count);
}

function matches(device: GpuDevice, request: GpuRequest | null): boolean {
  if (request === null) return false;
  const isModel =
    request.model === null || request.model.toLowerCase() === device.model.toLowerCase();
  return isModel && (request.memoryMiB === null || device.memoryMiB >= request.memoryMiB);
}

function describeGpus(request: GpuRequest): string {
  const memory = request.memoryMiB === null ? '' : ` with ${request.memoryMiB} MiB`;
  return `GPU${request.model === null ? '' : ` "${request.model}"`}${memory}`;
}

function exceeds(message: string): Misfit {
  return { code: 'RESOURCES_EXCEED_SITE', message };
}
