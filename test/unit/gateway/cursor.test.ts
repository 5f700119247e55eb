import { buildSchema, parse, print, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { cursorIn, variablesBesideCursor } from '../../../gateway/cursor.ts';

const schema = buildSchema(`
  type Query { n: Int }
  type Subscription {
    events(id: ID!, after: Int! = 3): Int
    latest(after: Int): Int
    named(after: String): Int
    ticks: Int
  }
`);

function cursor(query: string, variables: Record<string, unknown> = {}) {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  const found = cursorIn(schema, document, variables);
  if (found === null) return null;
  expect(validate(schema, found.document)).toEqual([]);
  return {
    after: found.after,
    text: print(found.document).replace(/\s+/gu, ' '),
    at9: found.variablesAt(9),
  };
}

const moved =
  'subscription ($id: ID!, $fathomAfter: Int!) { events(id: $id, after: $fathomAfter) }';

describe('where a subscription begins', () => {
  test.each([
    ['a variable', 'subscription ($id: ID!, $a: Int!) { events(id: $id, after: $a) }', { a: 5 }, 5],
    ['a number', 'subscription ($id: ID!) { events(id: $id, after: 7) }', {}, 7],
    ['its default', 'subscription ($id: ID!) { events(id: $id) }', {}, 3],
    [
      "the variable's own default",
      'subscription ($a: Int = 4, $id: ID!) { events(after: $a, id: $id) }',
      {},
      4,
    ],
  ])('is %s, and the rest of it is the same for all', (_, query, given, after) => {
    expect(cursor(query, { id: 'x', ...given })).toEqual({
      after,
      text: moved,
      at9: { id: 'x', fathomAfter: 9 },
    });
  });

  test('is not taken out of a variable that says something else, too', () => {
    const query =
      'subscription ($a: Int!, $id: ID!) { events(id: $id, after: $a) @include(if: true) }';
    expect(cursor(query, { a: 1, id: 'x' })?.at9).toEqual({ id: 'x', fathomAfter: 9 });
    const both = parse('subscription ($a: Int!) { events(id: $a, after: $a) }');
    expect(cursorIn(schema, both, { a: 1 })?.variablesAt(9)).toEqual({ a: 1, fathomAfter: 9 });
    expect(variablesBesideCursor(both, { a: 1 })).toEqual({ a: 1 });
  });

  test.each([
    ['null', 'subscription { latest(after: null) }', {}],
    ['a variable that is null', 'subscription ($a: Int) { latest(after: $a) }', { a: null }],
    ['left out and has no default', 'subscription { latest }', {}],
    ['a word', 'subscription { named(after: "a") }', {}],
    ['not there', 'subscription { ticks }', {}],
    ['in a fragment', 'subscription { ...F } fragment F on Subscription { latest(after: 1) }', {}],
    [
      'behind a name of ours',
      'subscription ($fathomAfter: Int!) { latest(after: $fathomAfter) }',
      { fathomAfter: 1 },
    ],
  ])('is unknown where it is %s', (_, query, variables) => {
    expect(cursor(query, variables)).toBeNull();
  });

  test('does not make two readers of one event different', () => {
    const document = parse('subscription ($id: ID!, $a: Int!) { events(id: $id, after: $a) }');
    expect(variablesBesideCursor(document, { id: 'x', a: 1 })).toEqual({ id: 'x' });
    expect(variablesBesideCursor(parse('subscription { ticks }'), { a: 1 })).toEqual({ a: 1 });
  });
});
