import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { backendDefinitions } from '../../../backends/registry.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const page = readFileSync(join(root, 'docs/checklists/bad-days.md'), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the table of bad days has a column for every backend, and no cell without an answer', () => {
  const [header = [], , ...days] = rows;
  const columns = header.slice(2, -1);
  expect(columns.toSorted()).toEqual(backendDefinitions.map(({ type }): string => type).toSorted());
  expect(days.length).toBeGreaterThan(10);
  for (const day of days) {
    expect(day).toHaveLength(header.length);
    expect(day.slice(1, -1)).not.toContain('');
  }
});

test('what the table names is there', () => {
  const tests = ['test/contract/backend', 'test/unit/backends'].flatMap((folder) =>
    readdirSync(join(root, folder)),
  );
  const named = [...page.matchAll(/`([a-z][\w/.-]+)`/g)].map(([, name = '']) => name);
  const missing = named.filter((name) => {
    if (name.includes('/')) return !existsSync(join(root, name));
    return !tests.some((file) => file.startsWith(`${name}.`)) && name !== 'observe.ts';
  });
  expect(missing).toEqual([]);
});

test('every backend has the files of its folder and a suite', () => {
  for (const { type } of backendDefinitions) {
    const folder = readdirSync(join(root, 'backends', type));
    const files = ['index.ts', 'config.ts', 'translate.ts', 'observe.ts', 'client.ts', 'README.md'];
    expect({ type, missing: files.filter((file) => !folder.includes(file)) }).toEqual({
      type,
      missing: [],
    });
    const suites = readdirSync(join(root, 'test/contract/backend'))
      .filter((file) => file.startsWith(type) && file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(root, 'test/contract/backend', file), 'utf8'));
    expect({ type, runs: suites.some((text) => /Contract\(/.test(text)) }).toEqual({
      type,
      runs: true,
    });
  }
});
