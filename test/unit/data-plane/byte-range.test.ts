import { describe, expect, test } from 'vitest';
import { byteRange } from '../../../server/data-plane/byte-range.ts';

describe('a byte range', () => {
  test.for([
    [undefined, 10, null],
    ['', 10, null],
    ['bytes=0-9', 10, { start: 0, end: 10 }],
    ['bytes=0-', 10, { start: 0, end: 10 }],
    ['bytes=3-3', 10, { start: 3, end: 4 }],
    ['bytes=9-100', 10, { start: 9, end: 10 }],
    ['bytes=-3', 10, { start: 7, end: 10 }],
    ['bytes=-30', 10, { start: 0, end: 10 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=-1', 0, 'unsatisfiable'],
    ['bytes=5-4', 10, null],
    ['bytes=0-1,3-4', 10, null],
    ['bytes= 0-1', 10, null],
    [`bytes=${'9'.repeat(40)}-`, 10, null],
  ] as const)('%s of %i', ([header, size, expected]) => {
    expect(byteRange(header, size)).toEqual(expected);
  });
});
