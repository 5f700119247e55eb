import { parse } from 'graphql';
import { describe, expect, test } from 'vitest';
import { sortedSdl } from '../../../codegen/sorted-sdl.ts';

const document = `
  enum Colour { RED BLUE @deprecated }
  type Query @b @a { z(y: Int, x: Int): Colour a: Thing }
  directive @b on OBJECT
  directive @a(q: Int, p: Int) on OBJECT | FIELD_DEFINITION
  union Thing = Two | One
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])
  type Two implements B & A @key(fields: "y") @key(fields: "x") { y: Int x: Int }
  type One { a: Int }
  interface B { x: Int } interface A { x: Int }
  input In { b: Int a: Int = 3 }
`;
const sorted = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.7", import: ["@key"])

directive @a(p: Int, q: Int) on FIELD_DEFINITION | OBJECT

directive @b on OBJECT

interface A {
  x: Int
}

interface B {
  x: Int
}

enum Colour {
  BLUE @deprecated
  RED
}

input In {
  a: Int = 3
  b: Int
}

type One {
  a: Int
}

type Query @a @b {
  a: Thing
  z(x: Int, y: Int): Colour
}

union Thing = One | Two

type Two implements A & B @key(fields: "x") @key(fields: "y") {
  x: Int
  y: Int
}
`;

describe('sorted SDL', () => {
  test('orders whatever has no order of its own', () => {
    expect(sortedSdl(parse(document))).toBe(sorted);
  });

  test('of sorted SDL is the same', () => {
    expect(sortedSdl(parse(sorted))).toBe(sorted);
  });
});
