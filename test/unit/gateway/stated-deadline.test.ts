import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../gateway/limits.ts';
import { statedMs } from '../../../gateway/stated-deadline.ts';
import { predictLimits } from '../../../services/inference/predict-request.ts';

const stated = (query: string, variables: Record<string, unknown> = {}) =>
  statedMs(parse(query), variables);

describe('the time that an operation states', () => {
  test('is nothing for one that states nothing', () => {
    expect(stated('{ a(input: { x: 1 }) b(deadline: 5) }')).toBe(0);
    expect(stated('mutation ($i: I) { predict(input: $i) { x } }', { i: { arguments: {} } })).toBe(
      0,
    );
    expect(stated('mutation { predict(input: null) { x } }')).toBe(0);
  });

  test('is what its input says, as a literal or in variables', () => {
    const literal =
      'mutation { predict(input: { waitUntilWarmMs: 60000, deadlineMs: 1000 }) { x } }';
    expect(stated(literal)).toBe(66_000);
    const input = { waitUntilWarmMs: 60_000 };
    expect(stated('mutation ($i: I) { predict(input: $i) { x } }', { i: input })).toBe(95_000);
    const inner = 'mutation ($ms: Int) { predict(input: { deadlineMs: $ms }) { x } }';
    expect(stated(inner, { ms: 40_000 })).toBe(45_000);
    expect(stated(inner, { ms: null })).toBe(0);
  });

  test('is the sum over the fields of its root, wherever they are written', () => {
    const query = `mutation { ...F a: predict(input: { deadlineMs: 1000 }) { x { y(input: { deadlineMs: 9 }) } } }
      fragment F on Mutation { ... on Mutation { b: predict(input: { deadlineMs: 2000 }) { x } } }`;
    expect(stated(query)).toBe(8_000);
  });

  test.each(['"60000"', '-1', 'LONG', '[1]', '{ ms: 1 }'])('is nothing when it is %s', (value) => {
    expect(stated(`mutation { predict(input: { waitUntilWarmMs: ${value} }) { x } }`)).toBe(0);
  });

  test('may be as long as the longest prediction', () => {
    const { longestDeadlineMs, longestWaitMs } = predictLimits;
    expect(limits.longestDeadlineMs).toBeGreaterThan(longestDeadlineMs + longestWaitMs);
  });
});
