import { expect, test } from 'vitest';
import { canonicalJson, type Json } from '../../../domain/json.ts';

test('equal values have one canonical text, whatever the order of their keys', () => {
  const one = { b: [1, { y: null, x: 'é' }], a: true };
  const other = { a: true, b: [1, { x: 'é', y: null }] };
  expect(canonicalJson(one)).toBe(canonicalJson(other));
  expect(canonicalJson(one)).toBe('{"a":true,"b":[1,{"x":"é","y":null}]}');
});

test('canonical text parses back to the value, hostile keys included', () => {
  const value = JSON.parse('{"__proto__":{"a":1},"toString":[],"":0}') as Json;
  expect(JSON.parse(canonicalJson(value))).toEqual(value);
});
