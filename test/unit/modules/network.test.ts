import { describe, expect, test } from 'vitest';
import { shiftPixels } from '../../../modules/image-classifier/shift-pixels.ts';
import { rankLabels } from '../../../modules/network/classifier-artifact.ts';
import { seededRandom, shuffled } from '../../../modules/network/seeded-random.ts';
import { localTime, timedelta } from '../../../modules/runtime/python-time.ts';
import {
  columnWidth,
  fillColumn,
  learnColumn,
  parseColumns,
} from '../../../modules/tabular-classifier/columns.ts';

describe('seeded numbers', () => {
  test('the same seeds give the same numbers, neighbours others, all in [0, 1)', () => {
    const draw = (...seeds: number[]): number[] => {
      const random = seededRandom(...seeds);
      return Array.from({ length: 100 }, () => random());
    };
    expect(draw(1, 2)).toEqual(draw(1, 2));
    expect(draw(1, 2)).not.toEqual(draw(1, 3));
    expect(draw(1, 2)).not.toEqual(draw(2, 1));
    expect(draw(2 ** 40)).not.toEqual(draw(2 ** 41));
    expect(draw(7).every((value) => value >= 0 && value < 1)).toBe(true);
  });

  test('a shuffle keeps every item and leaves the original alone', () => {
    const items = Object.freeze([1, 2, 3, 4, 5, 6, 7, 8]);
    const order = shuffled(items, seededRandom(1));
    expect(order).not.toEqual(items);
    expect(order.toSorted((a, b) => a - b)).toEqual(items);
  });

  test('the numbers are the ones they have always been', () => {
    const random = seededRandom(42);
    expect([random(), random()]).toMatchInlineSnapshot(`
      [
        0.24572046380490065,
        0.5754302670247853,
      ]
    `);
  });
});

describe('ranking', () => {
  test('the most probable label is first, ties keep the order of the labels', () => {
    const ranked = rankLabels(['a', 'b', 'c'], Float32Array.of(0.25, 0.5, 0.25), 2);
    expect(ranked).toEqual({ labels: ['b', 'a'], probabilities: [0.5, 0.25] });
  });
});

describe('moving an image', () => {
  test('the edge is repeated into the gap', () => {
    const shape = { height: 1, width: 3, channels: 1 };
    const draws = [0.5, 0.99];
    const moved = shiftPixels(Uint8Array.of(1, 2, 3), shape, 1, () => draws.shift() ?? 0);
    expect([...moved]).toEqual([1, 1, 2]);
  });
});

describe('columns of a table', () => {
  test('numbers are standardised and a missing one counts as the mean', () => {
    const column = learnColumn('size', ['1', '3', '']);
    const inputs = new Float32Array(1);
    expect(fillColumn(column, '3', inputs, 0)).toBe(true);
    expect(inputs[0]).toBe(1);
    fillColumn(column, '', inputs, 0);
    expect(inputs[0]).toBe(0);
    expect(fillColumn(column, 'large', inputs, 0)).toBe(false);
  });

  test('texts become one input a category, and an unknown one none', () => {
    const column = learnColumn('colour', ['red', 'blue', 'red']);
    expect(columnWidth(column)).toBe(2);
    const inputs = new Float32Array(2);
    fillColumn(column, 'red', inputs, 0);
    expect([...inputs]).toEqual([0, 1]);
    fillColumn(column, 'green', inputs, 0);
    expect([...inputs]).toEqual([0, 0]);
    expect(parseColumns(JSON.parse(JSON.stringify([column])))).toEqual([column]);
  });

  test('a constant column is no division by zero, an identifier is refused', () => {
    const inputs = new Float32Array(1);
    fillColumn(learnColumn('same', ['5', '5']), '5', inputs, 0);
    expect(inputs[0]).toBe(0);
    const names = Array.from({ length: 101 }, (_, i) => `name ${i}`);
    expect(() => learnColumn('id', names)).toThrow('at most 100 can be learnt');
  });
});

describe('times in the words of Python', () => {
  test('a date has six digits of a second and no zone', () => {
    expect(localTime(new Date(2026, 0, 31, 10, 15, 2, 123))).toBe('2026-01-31 10:15:02.123000');
  });

  test('a duration has its days apart', () => {
    expect(timedelta(1090)).toBe('0:00:01.090000');
    expect(timedelta(3_600_000)).toBe('1:00:00');
    expect(timedelta(86_400_000 * 2 + 61_000)).toBe('2 days, 0:01:01');
  });
});
