import { describe, expect, test } from 'vitest';
import type { GpuRequest, Resources } from '../../../../domain/resources.ts';
import { allocate, misfit } from '../../../../backends/local/allocation.ts';

const gpus = [
  { index: 0, model: 'A100', memoryMiB: 40_960 },
  { index: 1, model: 'T4', memoryMiB: 15_360 },
];
const now = 1_000_000;
const capacity = { cpus: 4, memoryMiB: 8000, gpus };

function wants(cpus: number, memoryMiB = 100, gpu: Partial<GpuRequest> | null = null): Resources {
  const request = gpu === null ? null : { count: 1, model: null, memoryMiB: null, ...gpu };
  return { cpus, memoryMiB, gpus: request, timeLimitSeconds: 60 };
}

function granted(waiting: readonly Resources[], held: Parameters<typeof allocate>[1] = []) {
  return allocate(
    capacity,
    held,
    waiting.map((resources, index) => ({ id: String(index), resources, ends: true })),
    now,
  ).map(({ id }) => id);
}

describe('allocation', () => {
  test('is in the order of arrival as far as there is room', () => {
    expect(granted([wants(1), wants(2), wants(1), wants(1)])).toEqual(['0', '1', '2']);
  });

  test('lets nobody pass who would delay the one that waits for processors or memory', () => {
    const endsSoon = [{ id: 'x', cpus: 3, memoryMiB: 100, gpus: [], until: now + 60_000 }];
    expect(granted([wants(4), wants(1)], endsSoon)).toEqual([]);
    const full = [{ id: 'x', cpus: 1, memoryMiB: 6000, gpus: [], until: now + 60_000 }];
    expect(granted([wants(1, 7900), wants(1, 200)], full)).toEqual([]);
  });

  test('lets those pass who end before the one that waits could start', () => {
    const endsLate = [{ id: 'x', cpus: 3, memoryMiB: 100, gpus: [], until: now + 600_000 }];
    expect(granted([wants(4), wants(1), wants(1)], endsLate)).toEqual(['1']);
  });

  test('lets those pass who leave room for it when it can start', () => {
    const endsSoon = [{ id: 'x', cpus: 3, memoryMiB: 100, gpus: [], until: now + 1_000 }];
    expect(granted([wants(3), wants(1), wants(1)], endsSoon)).toEqual(['1']);
    const two = [{ id: 'x', cpus: 2, memoryMiB: 100, gpus: [], until: now + 1_000 }];
    // Each alone would leave room, both together would not.
    expect(granted([wants(3), wants(1), wants(1)], two)).toEqual(['1']);
  });

  test('lets jobs pass one that waits for what has no end, but no servers', () => {
    const server = [{ id: 'x', cpus: 3, memoryMiB: 100, gpus: [], until: null }];
    expect(granted([wants(4), wants(1)], server)).toEqual(['1']);
    const demands = [
      { id: 'large', resources: wants(4), ends: true },
      { id: 'server', resources: wants(1), ends: false },
    ];
    expect(allocate(capacity, server, demands, now)).toEqual([]);
  });

  test('gives the accelerators that the first one waits for to nobody behind it', () => {
    const held = [{ id: 'x', cpus: 3, memoryMiB: 100, gpus: [], until: now + 600_000 }];
    expect(granted([wants(2, 100, { count: 2 }), wants(1, 100, {}), wants(1)], held)).toEqual([
      '2',
    ]);
  });

  test('looks at a bounded number behind the one that waits', () => {
    const held = [{ id: 'x', cpus: 3.9, memoryMiB: 100, gpus: [], until: now + 600_000 }];
    let seen = 0;
    function* endless() {
      for (;;) yield { id: String(seen++), resources: wants(1), ends: true };
    }
    expect(allocate(capacity, held, endless(), now)).toEqual([]);
    expect(seen).toBeLessThan(100);
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
      ends: true,
    }));
    expect(allocate(capacity, [], demands, now).map((one) => one.gpus)).toEqual([[1], [0]]);
    const big = [{ id: 'big', resources: wants(1, 1, { memoryMiB: 20_000 }), ends: true }];
    expect(allocate(capacity, [], big, now)[0]?.gpus).toEqual([0]);
    expect(misfit(capacity, wants(1, 1, { model: 't4', memoryMiB: 20_000 }))?.code).toBe(
      'NO_ACCELERATOR',
    );
  });
});
