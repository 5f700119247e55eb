import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limitsTable, statesTable, withTables } from '../../../codegen/tables.ts';
import { errorTable } from '../../../domain/errors.ts';
import { trainingRunStates } from '../../../domain/training-run.ts';
import { waitingCodes } from '../../../domain/waiting.ts';
import { limits } from '../../../gateway/limits.ts';

const root = join(import.meta.dirname, '..', '..', '..');

describe('tables in documents', () => {
  test('replace what stood between their marks, again and again', () => {
    const page = 'Before.\n\n<!-- a -->\nold\n<!-- /a -->\n\nAfter.\n';
    const once = withTables(page, { a: '| new |' });
    expect(once).toBe('Before.\n\n<!-- a -->\n\n| new |\n\n<!-- /a -->\n\nAfter.\n');
    expect(withTables(once, { a: '| new |' })).toBe(once);
  });

  test('need their marks', () => {
    expect(() => withTables('No marks.', { a: '' })).toThrow('<!-- a -->');
    expect(() => withTables('<!-- /a --> <!-- a -->', { a: '' })).toThrow('<!-- a -->');
  });

  test('say which states are the end', () => {
    const table = statesTable(trainingRunStates);
    expect(table).toContain('| `SUCCEEDED` | the end |');
    expect(table).toContain('| `CANCELLING` | `CANCELLED`, `SUCCEEDED`, `FAILED`, `LOST` |');
  });

  test('take the meaning of a limit from the comment before it, and no other', () => {
    const source = `{\n /** Of a\n   * body; a | b. */\n one: 1,\n two: 2,\n /** Of three. */\n three: 3 }`;
    expect(limitsTable({ one: 1, two: 2000, three: 3 }, source)).toBe(
      [
        '| limit | value |  |',
        '| --- | --- | --- |',
        String.raw`| ${'`one`'} | 1 | Of a body; a \| b. |`,
        '| `two` | 2,000 |  |',
        '| `three` | 3 | Of three. |',
      ].join('\n'),
    );
  });
});

describe('the documents', () => {
  const rowsOf = async (path: string): Promise<readonly string[]> => {
    const text = await readFile(join(root, path), 'utf8');
    return [...text.matchAll(/^\| `(\w+)`/gm)].map(([, name = '']) => name);
  };

  test('list every error code and no other', async () => {
    expect(await rowsOf('docs/errors.md')).toEqual(Object.keys(errorTable));
  });

  test('list every reason for waiting', async () => {
    const rows = await rowsOf('docs/reference/states.md');
    expect(rows.slice(-Object.keys(waitingCodes).length)).toEqual(Object.keys(waitingCodes));
  });

  test('list every limit of the edge', async () => {
    expect(await rowsOf('docs/reference/limits.md')).toEqual(
      expect.arrayContaining(Object.keys(limits)),
    );
  });
});
