import { expect, test } from 'vitest';
import { lookAgainAfter } from '../../../../services/training/observe-run.ts';

test.each([
  ['PENDING', 0, 250],
  ['PENDING', 8_000, 1_000],
  ['PENDING', 3_600_000, 5_000],
  ['PENDING', -50, 250],
  ['RUNNING', 3_600_000, 250],
  ['PREPARING', 3_600_000, 250],
  ['UNKNOWN', 3_600_000, 250],
] as const)('a job that is %s for %d ms is looked at again after %d ms', (phase, waited, after) => {
  expect(lookAgainAfter({ phase }, waited, 250)).toBe(after);
});

test('where there are very many, a job that waits is not looked at more often than one that runs', () => {
  expect(lookAgainAfter({ phase: 'PENDING' }, 8_000, 20_000)).toBe(20_000);
});
