import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeDerived } from '../../../codegen/derived-files.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fathom-derived-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('derived files', () => {
  test('are written, and those no longer derived are removed from their folder only', async () => {
    await mkdir(join(root, 'own'));
    await mkdir(join(root, 'mixed'));
    await writeFile(join(root, 'own', 'old'), 'old');
    await writeFile(join(root, 'mixed', 'by-hand'), 'kept');
    const files = new Map([
      ['own/new', 'new'],
      ['mixed/derived', 'derived'],
    ]);
    expect(await writeDerived(root, files, ['own'])).toEqual([
      'mixed/derived',
      'own/new',
      'own/old',
    ]);
    expect(await readdir(join(root, 'own'))).toEqual(['new']);
    expect(await readFile(join(root, 'mixed', 'by-hand'), 'utf8')).toBe('kept');
  });

  test('that are right already are left alone', async () => {
    const files = new Map([['own/file', 'text']]);
    await writeDerived(root, files, ['own']);
    const before = await stat(join(root, 'own/file'));
    expect(await writeDerived(root, files, ['own'])).toEqual([]);
    expect((await stat(join(root, 'own/file'))).ino).toBe(before.ino);
  });
});
