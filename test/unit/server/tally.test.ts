import { describe, expect, test } from 'vitest';
import { percentile, Tally } from '../../../server/demo/tally.ts';

describe('the tally of a demo', () => {
  test('counts entries of all streams, and a jump in any as a gap', () => {
    const tally = new Tally();
    for (const position of [1, 2, 3]) tally.see('a', position);
    for (const position of [1, 2]) tally.see('b', position);
    expect([tally.events, tally.gaps]).toEqual([5, 0]);
    tally.see('a', 5);
    tally.see('b', 2);
    tally.see('c', 2);
    expect([tally.events, tally.gaps]).toEqual([8, 3]);
  });
});

describe('a percentile', () => {
  test('is the smallest value that so many do not exceed', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(percentile(hundred, 0.5)).toBe(50);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile([7], 0.01)).toBe(7);
    expect(percentile([], 0.5)).toBe(0);
  });
});
