import { expect, test } from 'vitest';
import { operationOf } from '../../../codegen/client/typed-document.ts';

test.each([
  ['{ a }', { kind: 'query', name: null, takesAfter: false }],
  ['query A { a }', { kind: 'query', name: 'A', takesAfter: false }],
  [
    '\n    subscription S($id: ID!, $after: Int = 0) { s(id: $id, after: $after) { sequence } }',
    { kind: 'subscription', name: 'S', takesAfter: true },
  ],
  [
    'fragment F on A { query mutation }\nmutation M($input: In!) { m(input: $input) { ...F } }',
    { kind: 'mutation', name: 'M', takesAfter: false },
  ],
  [
    'subscription { s(after: 3) { sequence } }',
    { kind: 'subscription', name: null, takesAfter: false },
  ],
  ['query Q($afterAll: Int) { q }', { kind: 'query', name: 'Q', takesAfter: false }],
])('reads the operation of %j', (text, operation) => {
  expect(operationOf(text)).toEqual(operation);
});
