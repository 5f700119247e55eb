import { expect, test } from 'vitest';
import { Pace } from '../../../../services/training/pace.ts';
import type { Surroundings } from '../../../../services/surroundings.ts';

function paceOf(runs: () => number, now: () => number): Pace {
  const store = { work: { size: async () => runs() } };
  return new Pace({ store, ambient: { now, random: () => 0 } } as unknown as Pick<
    Surroundings,
    'store' | 'ambient'
  >);
}

test.each([
  [0, 250, 250],
  [600, 250, 250],
  [2_000, 800, 800],
  [50_000, 20_000, 1_000],
])(
  'of %d runs a quiet one is looked at after %d ms, a busy one after %d',
  async (runs, quiet, busy) => {
    const pace = paceOf(
      () => runs,
      () => 1,
    );
    await pace.measure();
    expect([pace.quietMs, pace.busyMs]).toEqual([quiet, busy]);
  },
);

test('the runs are counted from time to time, not at every look', async () => {
  let [now, counts] = [0, 0];
  const pace = paceOf(
    () => (counts += 1),
    () => now,
  );
  for (; now < 10_000; now += 100) await pace.measure();
  expect(counts).toBe(5);
});

test('that nothing changed is noted a bounded number of times in a second', () => {
  let now = 1_000_000;
  const pace = paceOf(
    () => 0,
    () => now,
  );
  let noted = 0;
  for (const end = now + 10_000; now < end; now += 1) {
    for (let look = 0; look < 10; look += 1) if (pace.mayNote()) noted += 1;
  }
  expect(noted).toBeGreaterThan(950);
  expect(noted).toBeLessThanOrEqual(1_101);
});
