import type { GpuDevice } from '../../domain/resources.ts';
import type { BackendHealth } from '../contract/backend.ts';
import type { SlurmSettings } from './config.ts';
import type { NativeNode, NativeSite } from './native.ts';

const unusable = ['DOWN', 'DRAIN', 'FAIL', 'FUTURE', 'INVAL', 'MAINT', 'UNKNOWN', 'NOT_RESPONDING'];

/** Capacity of the nodes that our jobs may run on. Pure. */
export function siteHealth(
  site: NativeSite,
  settings: SlurmSettings,
  checkedAt: number,
): BackendHealth {
  const partitions = settings.partition?.split(',') ?? null;
  const ours = site.nodes.filter(
    (node) =>
      partitions === null || node.partitions.some((partition) => partitions.includes(partition)),
  );
  const up = ours.filter(({ states }) => !states.some((state) => unusable.includes(state)));
  const sum = (value: (node: NativeNode) => number): number =>
    up.reduce((total, node) => total + value(node), 0);
  const gpus = up.flatMap(({ gres, gresInUse }) => {
    const taken = [...gpuTypes(gresInUse)];
    return gpuTypes(gres).map((type) => ({ type, inUse: takeOut(taken, type) }));
  });
  const nodes = `${up.length} of ${ours.length} nodes usable`;
  const waiting = `${site.queued} jobs waiting`;
  return {
    reachable: true,
    message: `${site.description}: ${nodes}, ${gpus.length} GPUs, ${waiting}.`,
    checkedAt,
    capacity: {
      cpus: sum(({ cpus }) => cpus),
      memoryMiB: sum(({ memoryMiB }) => memoryMiB),
      gpus: gpus.map(({ type, inUse }, index) => ({ ...device(type, index, settings), inUse })),
      cpusInUse: sum(({ cpusInUse }) => cpusInUse),
      memoryInUseMiB: sum(({ memoryInUseMiB }) => memoryInUseMiB),
      gpusInUse: sum(({ gresInUse }) => gpuTypes(gresInUse).length),
      queued: site.queued,
    },
  };
}

/** Slurm says how many of each type are in use, not which: those of a type are all alike. */
function takeOut(types: (string | null)[], type: string | null): boolean {
  const at = types.indexOf(type);
  if (at >= 0) types.splice(at, 1);
  return at >= 0;
}

function device(type: string | null, index: number, settings: SlurmSettings): GpuDevice {
  const kind =
    settings.gpus.find(({ gres }) => gres === type) ?? (type === null ? settings.gpus[0] : null);
  return { index, model: kind?.model ?? type ?? 'unknown', memoryMiB: kind?.memoryMiB ?? 0 };
}

/** One entry for each GPU in `gpu:a100:4(S:0-1),gpu:2,shard:8`: its type, or null. */
export function gpuTypes(gres: string): readonly (string | null)[] {
  const types: (string | null)[] = [];
  for (const part of gres.replaceAll(/\([^)]*\)/g, '').split(',')) {
    const [kind, ...rest] = part
      .trim()
      .replace(/^gres[:/]/, '')
      .split(':');
    if (kind !== 'gpu') continue;
    const number = /^\d+$/.test(rest.at(-1) ?? '') ? Number(rest.pop()) : 1;
    for (let index = 0; index < number; index++) types.push(rest[0] ?? null);
  }
  return types;
}
