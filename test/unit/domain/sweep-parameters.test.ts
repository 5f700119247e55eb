import { describe, expect, test } from 'vitest';
import {
  checkSpace,
  combinationsOf,
  pathOf,
  sweepLimits,
  type SweepParameter,
  type SweepRange,
  type SweepSpace,
} from '../../../domain/sweep-parameters.ts';
import { seededRandom } from '../../../domain/seeded-random.ts';

const values = (argument: string, ...list: readonly (number | string)[]): SweepParameter => ({
  argument,
  values: list,
  range: null,
});

const range = (argument: string, more: Partial<SweepRange> = {}): SweepParameter => ({
  argument,
  values: null,
  range: { minimum: 1, maximum: 100, scale: 'LINEAR', integer: false, ...more },
});

const grid = (...parameters: readonly SweepParameter[]): SweepSpace => ({
  strategy: 'GRID',
  parameters,
  trials: null,
});

const random = (trials: number | null, ...parameters: readonly SweepParameter[]): SweepSpace => ({
  strategy: 'RANDOM',
  parameters,
  trials,
});

const drawn = (space: SweepSpace, seed = 7) =>
  combinationsOf(space, seed).map((each) => each.arguments);

const findings = (space: SweepSpace) =>
  checkSpace(space).map(({ inputPath, message }) => [inputPath.join('.'), message]);

describe('a grid', () => {
  test('is every combination once, the last argument varying fastest', () => {
    const space = grid(values('rate', 0.1, 0.2), values('kind', 'a', 'b', 'c'));
    expect(drawn(space)).toEqual([
      { rate: 0.1, kind: 'a' },
      { rate: 0.1, kind: 'b' },
      { rate: 0.1, kind: 'c' },
      { rate: 0.2, kind: 'a' },
      { rate: 0.2, kind: 'b' },
      { rate: 0.2, kind: 'c' },
    ]);
    expect(findings(space)).toEqual([]);
  });

  test('knows where in the input the value of a run stands', () => {
    const space = grid(values('rate', 0.1, 0.2), values('kind', 'a', 'b'));
    const last = combinationsOf(space, 0).at(-1);
    if (last === undefined) throw new Error('There is none.');
    expect(pathOf(space.parameters, last, 'kind')).toEqual(['parameters', '1', 'values', '1']);
    expect(pathOf(space.parameters, last, 'epochs')).toEqual(['arguments', 'epochs']);
  });

  test('is refused beyond the limit, before it is made', () => {
    const many = values('n', ...Array.from({ length: 200 }, (_, at) => at));
    expect(findings(grid(many))).toEqual([]);
    expect(findings(grid(many, many))).toEqual([['parameters.1.argument', 'n is varied twice.']]);
    const wide = Array.from({ length: 20 }, (_, at) => ({ ...many, argument: `n${at}` }));
    expect(findings(grid(...wide))).toEqual([['parameters', expect.stringMatching(/at most 200/)]]);
  });
});

describe('a random draw', () => {
  const space = random(50, range('rate'), range('log', { minimum: 1e-4, scale: 'LOG' }));

  test('is the same for the same seed, and another for another', () => {
    expect(drawn(space)).toEqual(drawn(space));
    expect(drawn(space)).not.toEqual(drawn(space, 8));
  });

  test('begins the same when more are drawn', () => {
    expect(drawn({ ...space, trials: 200 }).slice(0, 50)).toEqual(drawn(space));
  });

  test('is what it was, whoever draws and when', () => {
    const kinds = random(
      3,
      values('kind', 'a', 'b', 'c'),
      range('rate', { minimum: 1e-4, maximum: 1e-1, scale: 'LOG' }),
      range('size', { minimum: 8, maximum: 512, integer: true }),
    );
    expect(drawn(kinds, 42)).toMatchInlineSnapshot(`
      [
        {
          "kind": "c",
          "rate": 0.0006732524902649856,
          "size": 360,
        },
        {
          "kind": "b",
          "rate": 0.06009464320966143,
          "size": 150,
        },
        {
          "kind": "b",
          "rate": 0.038923984123920674,
          "size": 127,
        },
      ]
    `);
  });

  test.each(['LINEAR', 'LOG'] as const)(
    'on a %s scale stays within its bounds, both reached by whole numbers',
    (scale) => {
      const whole = random(4, range('n', { minimum: 1, maximum: 4, scale, integer: true }));
      expect(new Set(drawn(whole).map(({ n }) => n))).toEqual(new Set([1, 2, 3, 4]));
      const real = random(200, range('x', { minimum: 0.001, maximum: 1000, scale }));
      const xs = drawn(real).map(({ x }) => x as number);
      expect(Math.min(...xs)).toBeGreaterThanOrEqual(0.001);
      expect(Math.max(...xs)).toBeLessThanOrEqual(1000);
      // Half of a logarithmic draw lies below the geometric middle, of a linear one next to nothing.
      const low = xs.filter((x) => x < 1).length;
      const [least, most] = { LINEAR: [0, 5] as const, LOG: [60, 140] as const }[scale];
      expect(low).toBeGreaterThanOrEqual(least);
      expect(low).toBeLessThanOrEqual(most);
    },
  );

  test('gives every combination once when as many are asked for as there are', () => {
    const all = random(12, values('a', 1, 2, 3), range('b', { maximum: 4, integer: true }));
    expect(new Set(drawn(all).map((each) => JSON.stringify(each))).size).toBe(12);
  });
});

describe('the findings about a space', () => {
  const notANumber = { minimum: NaN };

  test.each([
    ['nothing to vary', grid(), 'parameters'],
    ['no values', grid(values('a')), 'parameters.0.values'],
    ['the same value twice', grid(values('a', 1, 2, 1)), 'parameters.0.values.2'],
    ['values and a range', grid({ ...range('a'), values: [1] }), 'parameters.0'],
    ['neither', grid({ argument: 'a', values: null, range: null }), 'parameters.0'],
    ['a range in a grid', grid(range('a')), 'parameters.0.range'],
    ['trials of a grid', { ...grid(values('a', 1)), trials: 3 }, 'trials'],
    ['no trials', random(null, range('a')), 'trials'],
    ['no trial', random(0, range('a')), 'trials'],
    ['half a trial', random(1.5, range('a')), 'trials'],
    ['too many trials', random(sweepLimits.trials + 1, range('a')), 'trials'],
    ['more trials than combinations', random(3, values('a', 1, 2)), 'trials'],
    ['an empty range', random(1, range('a', { minimum: 100 })), 'parameters.0.range.maximum'],
    ['a range of nothing', random(1, range('a', notANumber)), 'parameters.0.range.minimum'],
    [
      'a half as a whole number',
      random(1, range('a', { maximum: 2.5, integer: true })),
      'parameters.0.range.maximum',
    ],
    [
      'a logarithm of nothing',
      random(1, range('a', { minimum: 0, scale: 'LOG' })),
      'parameters.0.range.minimum',
    ],
    [
      'too many arguments',
      grid(...Array.from({ length: 21 }, (_, at) => values(`a${at}`, 1))),
      'parameters',
    ],
  ] as const)('tell of %s', (_what, space, path) => {
    expect(findings(space).map(([at]) => at)).toEqual([path]);
  });

  test('are told together', () => {
    const space = grid(values('a'), range('b'), values('a', 1));
    expect(findings(space).map(([at]) => at)).toEqual([
      'parameters.0.values',
      'parameters.1.range',
      'parameters.2.argument',
    ]);
  });
});

describe('the generator', () => {
  test('gives numbers in [0, 1), evenly, and others for each half of the seed', () => {
    const next = seededRandom(2 ** 52 + 1);
    const counts = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 10_000; n++) {
      const at = Math.floor(next() * 10);
      counts[at] = (counts[at] ?? 0) + 1;
    }
    expect(counts.reduce((sum, count) => sum + count)).toBe(10_000);
    expect(Math.min(...counts)).toBeGreaterThan(850);
    const firsts = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 33, Number.MAX_SAFE_INTEGER];
    expect(new Set(firsts.map((seed) => seededRandom(seed)())).size).toBe(firsts.length);
  });
});
