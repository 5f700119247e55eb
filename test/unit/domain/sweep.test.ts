import { describe, expect, test } from 'vitest';
import type { Id } from '../../../domain/ids.ts';
import {
  betterRun,
  type BestRun,
  endOfSweep,
  nothingEnded,
  roomIn,
} from '../../../domain/sweep.ts';
import type { TrainingRunState } from '../../../domain/training-run.ts';

const run = (number: number, metrics: Record<string, number>, state: TrainingRunState) => ({
  id: `run_${number}` as Id<'TrainingRun'>,
  number,
  metrics,
  state,
});

describe('the best run', () => {
  const least = { metric: 'loss', goal: 'MINIMIZE' } as const;
  const succeeded = (number: number, loss: number) => run(number, { loss }, 'SUCCEEDED');
  const best = (goal: 'MINIMIZE' | 'MAXIMIZE', ...runs: readonly ReturnType<typeof run>[]) =>
    runs.reduce((so, one) => betterRun({ ...least, goal }, so, one), null as BestRun | null);

  test('has the least or the greatest value, whichever is the goal', () => {
    const runs = [succeeded(1, 0.5), succeeded(2, 0.25), succeeded(3, 0.75)];
    expect(best('MINIMIZE', ...runs)).toEqual({ runId: 'run_2', number: 2, value: 0.25 });
    expect(best('MAXIMIZE', ...runs)).toEqual({ runId: 'run_3', number: 3, value: 0.75 });
  });

  test('is of equal ones the one with the lower number, whichever ended first', () => {
    const [two, nine] = [succeeded(2, 0.5), succeeded(9, 0.5)];
    expect(best('MINIMIZE', nine, two)?.number).toBe(2);
    expect(best('MAXIMIZE', two, nine)?.number).toBe(2);
  });

  test('is none that did not succeed, or has no such number', () => {
    expect(best('MINIMIZE', run(1, { loss: 0 }, 'FAILED'), run(2, { loss: 0 }, 'CANCELLED'))).toBe(
      null,
    );
    expect(best('MINIMIZE', run(1, { accuracy: 1 }, 'SUCCEEDED'), succeeded(2, NaN))).toBe(null);
    const inherited = betterRun({ ...least, metric: 'constructor' }, null, succeeded(1, 1));
    expect(inherited).toBe(null);
  });
});

describe('the end of a sweep', () => {
  const end = (ended: object, cancelRequestedAt: number | null = null) =>
    endOfSweep({ trials: 3, ended: { ...nothingEnded, ...ended }, cancelRequestedAt });

  test.each([
    [{}, null, null],
    [{ SUCCEEDED: 2 }, null, null],
    [{ SUCCEEDED: 3 }, null, 'SUCCEEDED'],
    [{ SUCCEEDED: 1, FAILED: 1, LOST: 1 }, null, 'SUCCEEDED'],
    [{ FAILED: 2, LOST: 1 }, null, 'FAILED'],
    [{ FAILED: 1, CANCELLED: 2 }, null, 'FAILED'],
    [{ SUCCEEDED: 1, CANCELLED: 2 }, null, 'SUCCEEDED'],
    [{ CANCELLED: 3 }, null, 'CANCELLED'],
    [{ SUCCEEDED: 2, CANCELLED: 1 }, 5, 'CANCELLED'],
    [{ SUCCEEDED: 3 }, 5, 'SUCCEEDED'],
    [{ FAILED: 3 }, 5, 'FAILED'],
    [{ CANCELLED: 2 }, 5, null],
  ] as const)('with %j, a cancel asked for at %j, is %j', (ended, cancelled, state) => {
    expect(end(ended, cancelled)).toBe(state);
  });
});

test('as many are let on as there is room for', () => {
  const sweep = { atOnce: 3, underWay: 2, trials: 10, letOn: 5, cancelRequestedAt: null };
  expect(roomIn(sweep)).toBe(1);
  expect(roomIn({ ...sweep, letOn: 10 })).toBe(0);
  expect(roomIn({ ...sweep, underWay: 4 })).toBe(0);
  expect(roomIn({ ...sweep, atOnce: null })).toBe(5);
  expect(roomIn({ ...sweep, cancelRequestedAt: 1 })).toBe(0);
});
