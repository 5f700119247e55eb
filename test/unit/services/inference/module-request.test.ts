import { expect, test } from 'vitest';
import { inlineFiles } from '../../../../services/inference/input-files.ts';
import { moduleRequest, withoutHeaders } from '../../../../services/inference/module-request.ts';

const accept = { type: 'string', default: 'image/png', 'x-location': 'header' };

test('without files a call is JSON; with files it is a form that loses nothing', async () => {
  const values = { n: 1, list: ['a', 'b'], deep: { x: [1] }, empty: [], none: null, yes: true };
  const plain = await moduleRequest('/p', values, []);
  expect(plain.headers['content-type']).toBe('application/json');
  expect(JSON.parse(new TextDecoder().decode(plain.body ?? new Uint8Array()))).toEqual(values);
  const bytes = Uint8Array.from({ length: 256 }, (_, at) => at);
  const file = { argument: 'image', bytes, fileName: 'ä "b".png', mediaType: 'image/png' };
  const { body, headers } = await moduleRequest('/p', values, [file]);
  const form = await new Response(new Uint8Array(body ?? []), { headers }).formData();
  expect(form.getAll('list')).toEqual(['a', 'b']);
  expect(form.get('deep')).toBe('{"x":[1]}');
  expect(form.get('empty')).toBe('[]');
  expect(form.has('none')).toBe(false);
  expect(form.get('yes')).toBe('true');
  const sent = form.get('image') as File;
  expect([sent.name, sent.type]).toEqual(['ä "b".png', 'image/png']);
  expect(new Uint8Array(await sent.arrayBuffer())).toEqual(bytes);
});

test('a module that answers in several media types is asked for JSON', () => {
  const schema = { properties: { accept } };
  expect(withoutHeaders(schema, {}, { accept: 'image/png', x: 1 })).toEqual({ x: 1 });
  const given = { accept: 'image/png' };
  expect(() => withoutHeaders(schema, given, given)).toThrow('travels as application/json');
  const plain = { properties: { accept: { type: 'string' } } };
  expect(withoutHeaders(plain, given, given)).toEqual(given);
});

test('base64 text in a file argument becomes a file, and what is no base64 is refused at its path', () => {
  const schema = { properties: { image: { 'x-file': true }, text: { type: 'string' } } };
  const { rest, files } = inlineFiles(schema, { image: 'aGk=', text: 'aGk=' });
  expect(rest).toEqual({ text: 'aGk=' });
  expect(files.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['hi']);
  expect(() => inlineFiles(schema, { image: 'h i' })).toThrow('not base64');
  expect(() => inlineFiles(schema, { image: 'A'.repeat(1_400_000) })).toThrow('at most 1048576');
});
