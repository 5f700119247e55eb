import type { BackendHealth, SiteGpu } from '../../backends/contract/backend.ts';
import type { GpuRequest, Resources } from '../../domain/resources.ts';

type Capacity = NonNullable<BackendHealth['capacity']>;

/** What is asked for and not there, or not free, as sentences that say what to do; null when all seems well. */
export function lacking(resources: Resources, capacity: Capacity): string | null {
  const nodes = resources.nodes ?? 1;
  const lacks = [
    short(resources.cpus * nodes, capacity.cpus, 'processors', '`resources.cpus`'),
    short(
      resources.memoryMiB * nodes,
      capacity.memoryMiB,
      'MiB of memory',
      '`resources.memoryMiB`',
    ),
    resources.gpus && missingGpus(resources.gpus, nodes, capacity.gpus),
  ].filter((each) => each !== null);
  if (lacks.length > 0) return `As far as it tells, it would wait for ever. ${lacks.join(' ')}`;
  const isBusy =
    resources.cpus * nodes > capacity.cpus - capacity.cpusInUse ||
    resources.memoryMiB * nodes > capacity.memoryMiB - capacity.memoryInUseMiB ||
    (resources.gpus?.count ?? 0) * nodes > capacity.gpus.length - capacity.gpusInUse;
  if (!isBusy) return null;
  const others = capacity.queued === 0 ? '' : ` ${capacity.queued} others wait there already.`;
  return `What it asks for is there, but not free now: it would wait.${others}`;
}

function short(asked: number, there: number, what: string, where: string): string | null {
  if (asked <= there) return null;
  return `${asked} ${what} are asked for and there are ${there}: ask for less in ${where}.`;
}

function missingGpus(request: GpuRequest, nodes: number, gpus: readonly SiteGpu[]): string | null {
  const model = request.model?.toLowerCase() ?? null;
  const matching = gpus.filter(
    (gpu) =>
      (model === null || gpu.model.toLowerCase() === model) &&
      (request.memoryMiB === null || gpu.memoryMiB >= request.memoryMiB),
  );
  const asked = request.count * nodes;
  if (matching.length >= asked) return null;
  const kinds = [...new Set(gpus.map((gpu) => `${gpu.model} (${gpu.memoryMiB} MiB)`))];
  const there = kinds.length === 0 ? 'There are none' : `There are: ${kinds.join(', ')}`;
  return matching.length === 0
    ? `No GPU there is of the kind asked for. ${there}: change \`resources.gpus\`.`
    : `${asked} such GPUs are asked for and there are ${matching.length}: ask for fewer in \`resources.gpus.count\`.`;
}
