import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { budgetFindings, budgets, budgetTable } from '../../house/budgets.ts';
import { derivedFindings, fingerprint } from '../../house/drift.ts';
import { runSteps, type Step } from '../../house/steps.ts';
import { writeFiles } from './project-copy.ts';

const steps: readonly Step[] = [
  { name: 'one', run: async () => ({ passed: false, mend: 'npm run mend-one' }) },
  { name: 'two', run: async () => Promise.reject(new Error('out of paper')) },
  { name: 'three', run: async () => ({ passed: true, mend: 'npm run never', note: 'fine' }) },
];

test('every step runs whatever fails, and each failure names the command that mends it', async () => {
  const { code, lines } = await check();
  expect(code).toBe(1);
  expect(lines).toContain('mend: npm run mend-one');
  expect(lines.slice(-3)).toEqual([
    expect.stringMatching(/^one +FAILED .* npm run mend-one$/),
    expect.stringMatching(/^two +FAILED .* out of paper +npm run check -- two$/),
    expect.stringMatching(/^three +passed .* fine$/),
  ]);
});

test('named steps alone run, and a name that does not exist is refused', async () => {
  const some = await check('three');
  expect(some.code).toBe(0);
  expect(some.lines.filter((line) => line.startsWith('\n──'))).toEqual(['\n── three']);
  expect((await check('thre')).code).toBe(2);
});

async function check(
  ...wanted: readonly string[]
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const code = await runSteps(steps, wanted, (line) => lines.push(line));
  return { code, lines };
}

test('derived files that change, appear, vanish or were never written are drift', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-drift-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFiles(folder, {
    'schema/snapshots/modules.graphql': 'type Module',
    'codegen/client/generated/client.ts': 'export {}',
    'docs/errors.md': '| code |',
    'README.md': '# Fathom',
    'domain/run.ts': 'one',
  });
  const before = await fingerprint(folder);
  expect(derivedFindings(before, await fingerprint(folder))).toEqual([]);

  await writeFiles(folder, { 'domain/run.ts': 'two' });
  expect(derivedFindings(before, await fingerprint(folder))).toEqual([]);

  await writeFiles(folder, {
    'docs/errors.md': '| code | text |',
    'schema/snapshots/a.graphql': '',
  });
  await rm(join(folder, 'README.md'));
  await rm(join(folder, 'codegen'), { recursive: true });
  expect(derivedFindings(before, await fingerprint(folder))).toEqual([
    'README.md did not match what code generation writes',
    'codegen/client/generated/client.ts did not match what code generation writes',
    'docs/errors.md did not match what code generation writes',
    'schema/snapshots/a.graphql did not match what code generation writes',
    'codegen/client/generated/ is empty after code generation',
  ]);
});

const file = (path: string, lines: number): { path: string; text: string } => ({
  path,
  text: 'x\n'.repeat(lines),
});

test('sizes are counted by folder, without generated files', () => {
  const rows = budgets([
    file('domain/a.ts', 10),
    file('domain/b.ts', 20),
    file('domain/c.ts', 400),
    file('domain/notes.md', 9000),
    file('codegen/client/generated/types.ts', 9000),
    file('codegen/print.ts', 7),
  ]);
  expect(rows).toEqual([
    { folder: 'codegen', files: 1, median: 7, p90: 7, longest: 7, longestFile: 'codegen/print.ts' },
    { folder: 'domain', files: 3, median: 20, p90: 400, longest: 400, longestFile: 'domain/c.ts' },
  ]);
  expect(budgetTable(rows).split('\n')[2]).toMatch(/^domain +3 +20 +400 +400 +domain\/c\.ts$/);
});

test('a file of 501 lines and a name that says nothing are refused, 500 lines are not', () => {
  expect(
    budgetFindings([
      file('domain/long.ts', 501),
      file('domain/full.ts', 500),
      file('schema/snapshots/supergraph.ts', 5000),
      file('services/utils/text.ts', 1),
      file('services/utils/more.ts', 1),
      file('schema/types.ts', 1),
      file('modules/digits/lib', 1),
    ]),
  ).toEqual([
    'domain/long.ts has 501 lines, at most 500: split it by noun',
    'services/utils: name it for what it holds',
    'schema/types.ts: name it for what it holds',
  ]);
});
