import { expect, test } from 'vitest';
import { readAnswer, readModels, routesOf } from '../../../../services/deployments/module-api.ts';
import { mismatch } from '../../../../services/deployments/probe.ts';

const answer = (status: number, body: string) => ({
  status,
  headers: {},
  body: new TextEncoder().encode(body),
  replica: 'a',
});

test('the route is the one that the module’s own document names, base path included', () => {
  const document = {
    paths: { '/base/v2/models/{name}/': {}, '/base/v2/models/cats/predict/': {} },
  };
  expect(routesOf({ document }, 'slug')).toEqual({
    model: 'cats',
    models: '/base/v2/models/',
    predict: '/base/v2/models/cats/predict/',
  });
  expect(routesOf({ document: {} }, 'slug').predict).toBe('/v2/models/slug/predict/');
});

test('an answer is predictions, refused arguments, or a failure in the module’s words', () => {
  expect(readAnswer(answer(200, '{"status":"OK","predictions":[1]}'))).toEqual({
    kind: 'OK',
    predictions: [1],
  });
  expect(readAnswer(answer(200, '{"predictions":null}'))).toEqual({
    kind: 'OK',
    predictions: null,
  });
  expect(readAnswer(answer(422, '{"json":{"a":["Bad.","Worse."]}}'))).toEqual({
    kind: 'INVALID',
    problems: [{ argument: 'a', message: 'Bad. Worse.' }],
  });
  expect(readAnswer(answer(422, 'no JSON'))).toEqual({
    kind: 'INVALID',
    problems: [{ argument: null, message: 'no JSON' }],
  });
  for (const [status, body, words] of [
    [500, '500: out of paper', 'answered 500: 500: out of paper'],
    [404, '{"message":"no such model"}', 'answered 404: no such model'],
    [200, '', 'not JSON: (an empty body)'],
    [200, '[1]', 'without `predictions`: [1]'],
  ] as const) {
    const read = readAnswer(answer(status, body));
    expect(read.kind === 'FAILED' && read.message).toContain(words);
  }
});

test('an answer as long as a book is quoted by its beginning', () => {
  const read = readAnswer(answer(500, 'é'.repeat(1_000_000)));
  expect(read.kind === 'FAILED' && read.message.length).toBeLessThan(600);
});

test('a list of models that is none is a sentence', () => {
  expect(readModels(answer(200, '{"models":[{"name":"m","sample":{"arguments":{}}}]}'))).toEqual([
    { names: ['m'], sample: { arguments: {}, expect: null } },
  ]);
  expect(readModels(answer(503, 'busy'))).toContain('503: busy');
  expect(readModels(answer(200, '{}'))).toContain('200');
});

test('of an answer only what the sample expects is compared', () => {
  expect(mismatch(null, { any: 'thing' })).toBeNull();
  expect(mismatch({ label: 'cat' }, { labels: ['cat', 'dog'], probabilities: [1, 0] })).toBeNull();
  expect(mismatch({ label: 'cat' }, { label: 'cat' })).toBeNull();
  expect(mismatch({ label: 'cat' }, { labels: ['dog', 'cat'] })).toContain('was "dog"');
  expect(mismatch({ label: 'cat' }, 'cat')).toContain('without label');
  expect(mismatch({ score: { b: 1, a: 2 } }, { score: { a: 2, b: 1 }, more: 0 })).toBeNull();
  expect(mismatch([1, 2], [1, 2])).toBeNull();
  expect(mismatch([1, 2], [2, 1])).toContain('[2,1]');
});
