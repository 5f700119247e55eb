import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { newBackend, registered } from '../../../codegen/new-backend/new-backend.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

test('a name becomes the words of its files, and no mark is left', async () => {
  const { files } = await newBackend(root, 'my-own-cloud');
  for (const [path, text] of files) {
    expect(path).toMatch(/^(backends\/my-own-cloud|test\/contract\/backend)\//);
    expect(text).not.toMatch(/__\w+__/);
  }
  expect(files.get('backends/my-own-cloud/index.ts')).toContain('export const myOwnCloud = ');
  expect(files.get('backends/my-own-cloud/config.ts')).toContain('type MyOwnCloudSettings');
});

test('the registry that is there takes one more, after those it has', async () => {
  const registry = await readFile(join(root, 'backends/registry.ts'), 'utf8');
  const before = /= \[([\s\S]*?)\] as const/.exec(registry)?.[1]?.match(/\w+/g);
  const after = registered(registry, 'my-cloud');
  expect(after).toContain("import { myCloud } from './my-cloud/index.ts';");
  expect(/= \[([\s\S]*?)\] as const/.exec(after)?.[1]?.match(/\w+/g)).toEqual([
    ...(before ?? []),
    'myCloud',
  ]);
  expect(() => registered('export const other = 1;', 'my-cloud')).toThrow('no table');
});

test.each([
  '',
  'Cloud',
  '../x',
  'a/b',
  '-a',
  'a--b',
  '1a',
  'a_b',
  'a'.repeat(41),
  'local',
  'contract',
])('a name that cannot be one, or is taken, is refused: "%s"', async (name) => {
  await expect(newBackend(root, name)).rejects.toThrow(/no name of a backend|there already/);
});
