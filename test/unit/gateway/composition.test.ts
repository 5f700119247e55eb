import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { CompositionError, compose } from '../../../gateway/composition.ts';
import type { CompositionProblem } from '../../../gateway/composition.ts';
import { mergeSchema } from '../../../gateway/merged-schema.ts';
import { MergeError } from '../../../gateway/ownership.ts';
import type { Resolvers, Subgraph } from '../../../gateway/subgraph.ts';

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key", "@shareable", "@external", "@requires", "@provides", "@override"])';

function subgraph(name: string, sdl: string, resolvers: Resolvers = {}): Subgraph {
  return { name, typeDefs: parse(`${LINK} ${sdl}`), resolvers };
}

function problemsOf(...subgraphs: Subgraph[]): readonly string[] {
  try {
    mergeSchema(subgraphs, compose(subgraphs).publicSdl);
    return [];
  } catch (error) {
    if (error instanceof MergeError) return error.problems;
    throw error;
  }
}

function contradictionsOf(...subgraphs: Subgraph[]): readonly CompositionProblem[] {
  try {
    compose(subgraphs);
    return [];
  } catch (error) {
    if (error instanceof CompositionError) return error.problems;
    throw error;
  }
}

describe('composition', () => {
  it('reports every contradiction with its code', () => {
    const problems = contradictionsOf(
      subgraph('a', 'type Query { a: Int } type T { x: Int y: Int }'),
      subgraph('b', 'type Query { b: Int } type T { x: String y: Int }'),
    );
    expect(problems.map((it) => it.code)).toContain('INVALID_FIELD_SHARING');
    expect(problems.length).toBeGreaterThan(1);
  });
  it('hides from clients what planners need', () => {
    const { publicSdl, supergraphSdl } = compose([
      subgraph('a', 'type Query { t: T } type T @key(fields: "id") { id: ID! }'),
      subgraph('b', 'type T @key(fields: "id") { id: ID! n: Int }'),
    ]);
    expect(supergraphSdl).toContain('join__type');
    expect(publicSdl).not.toMatch(/join__|@key|link__/u);
  });
  it('does not depend on the order of the subgraphs', () => {
    const [a, b] = [
      subgraph('a', 'type Query { t: T } type T @key(fields: "id") { id: ID! }'),
      subgraph('b', 'type T @key(fields: "id") { id: ID! n: Int }'),
    ];
    expect(compose([a, b])).toEqual(compose([b, a]));
  });
  it.each([
    [
      'a description',
      'type P @shareable { "One." x: Int }',
      'type P @shareable { "Two." x: Int }',
      /description of P\.x/u,
    ],
    [
      'nullability',
      'type P @shareable { x: Int! }',
      'type P @shareable { x: Int }',
      /type of P\.x/u,
    ],
    ['enum values', 'enum E { A B }', 'enum E { A B C }', /values of E/u],
    ['input fields', 'input I { a: Int b: Int }', 'input I { a: Int }', /fields of I/u],
    ['union members', 'union U = P | Q type Q { q: Int }', 'union U = P', /members of U/u],
  ])('hints at %s that is said in two ways', (_name, left, right, hint) => {
    const rest = 'type P @shareable { x: Int }';
    const sdl = (own: string, root: string) =>
      `type Query { ${root}: P ${own.includes('enum E') ? `${root}e: E` : ''} ${own.includes('input I') ? `${root}i(i: I): Int` : ''} ${own.includes('union U') ? `${root}u: U` : ''} } ${own} ${own.includes('type P') ? '' : rest}`;
    const { hints } = compose([subgraph('a', sdl(left, 'a')), subgraph('b', sdl(right, 'b'))]);
    expect(hints.join('\n')).toMatch(hint);
  });
});

describe('a merge refuses what only a planner can carry, by name:', () => {
  const owner = subgraph(
    'a',
    'type Query { t: T } type T @key(fields: "id") { id: ID! weight: Int }',
  );
  it('@requires', () => {
    const other = subgraph(
      'b',
      'type T @key(fields: "id") { id: ID! weight: Int @external price: Int @requires(fields: "weight") }',
    );
    expect(problemsOf(owner, other)).toEqual([
      'Field T.price of subgraph b uses @requires, which only a planner can carry.',
    ]);
  });
  it('@provides', () => {
    const shared = subgraph(
      'a',
      'type Query { t: T } type T @key(fields: "id") { id: ID! weight: Int @shareable }',
    );
    const other = subgraph(
      'b',
      'type Query { b: T @provides(fields: "weight") } type T @key(fields: "id") { id: ID! weight: Int @external }',
    );
    expect(problemsOf(shared, other).join()).toContain('Query.b of subgraph b uses @provides');
  });
  it('@override', () => {
    const other = subgraph(
      'b',
      'type T @key(fields: "id") { id: ID! weight: Int @override(from: "a") }',
    );
    expect(problemsOf(owner, other).join()).toContain('T.weight of subgraph b uses @override');
  });
  it('a key that takes two steps', () => {
    const problems = problemsOf(
      subgraph('a', 'type Query { t: T } type T @key(fields: "id") { id: ID! }'),
      subgraph('b', 'type T @key(fields: "id") @key(fields: "code") { id: ID! code: Int! }'),
      subgraph('c', 'type T @key(fields: "code") { code: Int! last: Int }'),
    );
    expect(problems).toEqual([
      expect.stringMatching(/^Field T\.last cannot be reached in one step from subgraph a/u),
    ]);
  });
  it('an enum that is stored under other words', () => {
    const stored = subgraph('a', 'enum E { A } type Query { e: E }', { E: { A: 1 } });
    expect(problemsOf(stored).join()).toContain('Enum E of subgraph a stores A as 1');
  });
});
