import type { SiteGpu } from '../../backends/contract/backend.ts';

/** All accelerators of one model and size. */
export interface Accelerators {
  readonly model: string;
  readonly memoryMiB: number;
  readonly count: number;
  /** Null where the site does not say which are in use. */
  readonly free: number | null;
}

/** Sorted by model, the largest first. */
export function acceleratorsOf(gpus: readonly SiteGpu[]): readonly Accelerators[] {
  const groups = Map.groupBy(gpus, ({ model, memoryMiB }) => JSON.stringify([model, memoryMiB]));
  return [...groups.values()]
    .flatMap((devices) => {
      const [first] = devices;
      if (first === undefined) return [];
      const isTold = devices.every(({ inUse }) => inUse !== undefined);
      const free = isTold ? devices.filter(({ inUse }) => inUse === false).length : null;
      const { model, memoryMiB } = first;
      return [{ model, memoryMiB, count: devices.length, free }];
    })
    .toSorted((a, b) =>
      a.model === b.model ? b.memoryMiB - a.memoryMiB : a.model < b.model ? -1 : 1,
    );
}
