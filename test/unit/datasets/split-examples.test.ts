import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { splitRules } from '../../../domain/dataset.ts';
import { divideExamples } from '../../../services/datasets/split-examples.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('dividing examples', () => {
  test('the lists are those of the written rule, worked out another way', async () => {
    const key = (index: number): string =>
      createHash('sha256').update(`42:${index}`).digest('hex').slice(0, 13);
    const expected = numbers(100)
      .toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
      .slice(0, 25)
      .toSorted((a, b) => a - b);
    const { test: chosen } = await divideExamples({
      count: 100,
      labelOf: null,
      rule: 'RANDOM',
      seed: 42,
      testFraction: 0.25,
    });
    expect([...chosen]).toEqual(expected);
  });

  test('every example is in exactly one list, both ascending, for every rule and size', async () => {
    for (const rule of splitRules) {
      for (const count of [1, 2, 3, 10, 97]) {
        for (const testFraction of [0.001, 0.2, 0.5, 0.999]) {
          const labelOf = Uint32Array.from(numbers(count), (index) => index % 3);
          const lists = await divideExamples({ count, labelOf, rule, seed: 1, testFraction });
          const [train, tests] = [[...lists.train], [...lists.test]];
          expect(train).toEqual(train.toSorted((a, b) => a - b));
          expect(tests).toEqual(tests.toSorted((a, b) => a - b));
          expect([...train, ...tests].toSorted((a, b) => a - b)).toEqual(numbers(count));
          expect(train.length).toBeGreaterThan(0);
        }
      }
    }
  });

  test('the same seed gives the same lists, another seed others', async () => {
    const divide = async (seed: number) => {
      const request = { count: 1000, labelOf: null, rule: 'RANDOM', testFraction: 0.2 } as const;
      return [...(await divideExamples({ ...request, seed })).test];
    };
    expect(await divide(7)).toEqual(await divide(7));
    expect(await divide(7)).not.toEqual(await divide(8));
  });

  test('TAIL takes the last ones, whatever the seed', async () => {
    const request = { count: 10, labelOf: null, rule: 'TAIL', testFraction: 0.3 } as const;
    for (const seed of [0, 1]) {
      expect([...(await divideExamples({ ...request, seed })).test]).toEqual([7, 8, 9]);
    }
  });

  test('STRATIFIED keeps the shares of the labels, and leaves each label one for training', async () => {
    const labelOf = Uint32Array.from(numbers(111), (index) => {
      if (index === 110) return 2;
      return index < 100 ? 0 : 1;
    });
    const request = { count: 111, labelOf, rule: 'STRATIFIED', seed: 3 } as const;
    const shares = async (testFraction: number) => {
      const { test: chosen } = await divideExamples({ ...request, testFraction });
      const counts = [0, 0, 0];
      for (const index of chosen)
        counts[labelOf[index] ?? 0] = (counts[labelOf[index] ?? 0] ?? 0) + 1;
      return counts;
    };
    expect(await shares(0.2)).toEqual([20, 2, 0]);
    expect(await shares(0.99)).toEqual([99, 9, 0]);
  });

  test('when every label has one example there is nothing to test on', async () => {
    const labelOf = Uint32Array.from(numbers(5));
    const request = { count: 5, labelOf, rule: 'STRATIFIED', seed: 0, testFraction: 0.5 } as const;
    expect((await divideExamples(request)).test).toHaveLength(0);
  });
});
