import { describe, expect, test } from 'vitest';
import type { GpuRequest, Resources } from '../../../../domain/resources.ts';
import { allocate, misfit } from '../../../../backends/local/allocation.ts';

const gpus = [
  { index: 0, model: 'A100', memoryMiB: 40_960 },
  { index: 1, model: 'T4', memoryMiB: 15_360 },
];
const capacity = { cpus: 4, memoryMiB: 8000, gpus };

function wants(cpus: number, memoryMiB = 100, gpu: Partial<GpuRequest> | null = null): Resources {
  const request = gpu === null ? null : { count: 1, model: null, memoryMiB: null, ...gpu };
  return { cpus, memoryMiB, gpus: request, timeLimitSeconds: 60 };
}

function granted(waiting: readonly Resources[], held: Parameters<typeof allocate>[1] = []) {
  return allocate(
    capacity,
    held,
    waiting.map((resources, index) => ({ id: String(index), resources })),
  ).map(({ id }) => id);
}

describe('allocation', () => {
  test('is in the order of arrival as far as there is room', () => {
    expect(granted([wants(1), wants(2), wants(1), wants(1)])).toEqual(['0', '1', '2']);
  });

  test('lets nobody overtake who waits for processors or memory', () => {
    expect(granted([wants(3), wants(2), wants(1)])).toEqual(['0']);
    expect(granted([wants(1, 6000), wants(1, 3000), wants(1, 100)])).toEqual(['0']);
  });

  test('lets others pass who need none of what is lacking', () => {
    const held = [{ id: 'x', cpus: 1, memoryMiB: 100, gpus: [0, 1] }];
    expect(granted([wants(1, 100, {}), wants(1), wants(1, 100, {}), wants(1)], held)).toEqual([
      '1',
    ]);
    expect(granted([wants(1, 100, {}), wants(2)], held)).toEqual(['1']);
  });

  test('passes over what can never fit', () => {
    const never = [
      wants(5),
      wants(1, 9000),
      wants(1, 1, { count: 3 }),
      wants(1, 1, { model: 'H100' }),
    ];
    expect(granted([...never, wants(4)])).toEqual(['4']);
    expect(never.map((resources) => misfit(capacity, resources)?.code)).toEqual([
      'RESOURCES_EXCEED_SITE',
      'RESOURCES_EXCEED_SITE',
      'RESOURCES_EXCEED_SITE',
      'NO_ACCELERATOR',
    ]);
  });

  test('adds up tenths of processors without losing one', () => {
    expect(granted(Array.from({ length: 50 }, () => wants(0.1)))).toHaveLength(40);
  });

  test('gives the smallest accelerator that does, and none twice', () => {
    const demands = [wants(1, 1, {}), wants(1, 1, {}), wants(1, 1, {})].map((resources, index) => ({
      id: String(index),
      resources,
    }));
    expect(allocate(capacity, [], demands).map((one) => one.gpus)).toEqual([[1], [0]]);
    const big = [{ id: 'big', resources: wants(1, 1, { memoryMiB: 20_000 }) }];
    expect(allocate(capacity, [], big)[0]?.gpus).toEqual([0]);
    expect(misfit(capacity, wants(1, 1, { model: 't4', memoryMiB: 20_000 }))?.code).toBe(
      'NO_ACCELERATOR',
    );
  });
});
