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
}

export interface Demand {
  readonly id: string;
  readonly resources: Resources;
}

/**
 * Whom to start now, first come first served. Who does not fit yet keeps what is free of what it
 * needs, and nobody behind it takes what it lacks: so a large one is never starved by small ones,
 * while one that waits for a GPU does not hold up those that need none.
 */
export function allocate(
  capacity: Capacity,
  held: readonly Allocation[],
  waiting: Iterable<Demand>,
): readonly Allocation[] {
  let { cpus, memoryMiB } = free(capacity, held);
  let gpus = capacity.gpus.filter(({ index }) => !held.some((one) => one.gpus.includes(index)));
  let gpusAreLacking = false;
  const granted: Allocation[] = [];
  for (const { id, resources } of waiting) {
    if (misfit(capacity, resources) !== null) continue;
    const devices =
      resources.gpus === null ? [] : gpusAreLacking ? null : pick(gpus, resources.gpus);
    const fits = resources.cpus <= cpus + 1e-9 && resources.memoryMiB <= memoryMiB;
    // Everybody needs processors and memory: whoever lacks them holds up all behind.
    if (!fits) break;
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
    });
  }
  return granted;
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
    return exceeds(`${resources.cpus} processors are asked for; there are ${capacity.cpus}.`);
  }
  if (resources.memoryMiB > capacity.memoryMiB) {
    return exceeds(
      `${resources.memoryMiB} MiB of memory are asked for; there are ${capacity.memoryMiB}.`,
    );
  }
  if (resources.gpus === null) return null;
  const kind = describeGpus(resources.gpus);
  const matching = capacity.gpus.filter((device) => matches(device, resources.gpus)).length;
  if (matching === 0) {
    return { code: 'NO_ACCELERATOR', message: `There is no ${kind} on this machine.` };
  }
  return matching >= resources.gpus.count
    ? null
    : exceeds(`${resources.gpus.count} of ${kind} are asked for; there are ${matching}.`);
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
