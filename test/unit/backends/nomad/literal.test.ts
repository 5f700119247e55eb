import { expect, test } from 'vitest';
import {
  environmentFile,
  environmentTemplates,
  literal,
  secretTemplate,
} from '../../../../backends/nomad/literal.ts';
import {
  fillTemplate,
  parseEnvironment,
  renderTemplate,
} from '../../../fakes/nomad/interpolation.ts';

const wild = [
  '',
  '$',
  '%',
  '${a}',
  '$${a}',
  '$$${a}',
  '%{if}',
  '%%{x}',
  '$%{x}',
  '%${x}',
  'a$b%c',
  '"${"$"}"',
  '${',
  '$ {a}',
  '{{ .x }}',
  'ü\n漢\t"\\',
];

test.each(wild)("%j is read back as itself from a driver's configuration", (text) => {
  expect(fillTemplate(literal(text), {})).toBe(text);
});

test('what means nothing is left as it is', () => {
  expect(literal('a $HOME $(x) 50 % {}')).toBe('a $HOME $(x) 50 % {}');
});

test('an environment file gives back every value, on one line each', () => {
  const environment = Object.fromEntries(wild.map((value, index) => [`W_${index}`, value]));
  const text = environmentFile(environment);
  expect(text.split('\n')).toHaveLength(wild.length + 1);
  expect(parseEnvironment(text)).toEqual(environment);
});

test.each(['A-B', '1A', 'a b', 'ä', ''])('the name %j is refused', (name) => {
  expect(() => environmentFile({ [name]: 'x' })).toThrow(/takes no environment variable/);
});

test('delimiters of templates stand nowhere in the text', () => {
  const environment = { A: 'a [fathom0[ b ]fathom1] {{ c }}' };
  const text = environmentFile(environment);
  const [template] = environmentTemplates(environment, 'x.env');
  const { LeftDelim: left = '', RightDelim: right = '', EmbeddedTmpl = '' } = template ?? {};
  expect(text).not.toContain(left);
  expect(renderTemplate(EmbeddedTmpl, { left, right }, () => undefined)).toBe(text);
});

test('where nothing is to be told there is no template', () => {
  expect(environmentTemplates({}, 'x.env')).toEqual([]);
});

test('a secret is read on the node, and stands in no template', () => {
  const {
    EmbeddedTmpl,
    LeftDelim: left,
    RightDelim: right,
  } = secretTemplate('nomad/jobs/x', 'environment', 'x.env');
  const items = { environment: 'S="{{ $x ]fathom0]"\n' };
  const find = (path: string) => (path === 'nomad/jobs/x' ? items : undefined);
  expect(renderTemplate(EmbeddedTmpl, { left, right }, find)).toBe(items.environment);
  expect(renderTemplate(EmbeddedTmpl, { left, right }, () => undefined)).toBeUndefined();
});
