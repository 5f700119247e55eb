import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lastLine, totals, type Report } from '../../house/tests.ts';
import { projectCopy, root } from './project-copy.ts';

const good: Report = {
  numPassedTests: 3,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [{ name: '/project/test/a.test.ts', status: 'passed', assertionResults: [1, 2, 3] }],
};

test('the last line counts what passed, failed and was skipped', () => {
  expect(lastLine(totals(good, 0, '/project'))).toBe('3 passed, 0 failed');
  const skipped = { ...good, numPendingTests: 1, numTodoTests: 1 };
  expect(lastLine(totals(skipped, 0, '/project'))).toBe('3 passed, 0 failed, 2 skipped');
});

test('a file that could not be loaded counts as a failure and is named', () => {
  const broken = { name: '/project/test/b.test.ts', status: 'failed', assertionResults: [] };
  const report = { ...good, testResults: [...good.testResults, broken] };
  expect(totals(report, 1, '/project')).toMatchObject({
    failed: 1,
    failedFiles: ['test/b.test.ts'],
  });
});

test('a run that ended badly, ran nothing or left no report is never a success', () => {
  expect(totals(good, 1, '/project').failed).toBe(1);
  expect(totals({ ...good, numPassedTests: 0, testResults: [] }, 0, '/project').failed).toBe(1);
  expect(totals(undefined, 0, '/project').failed).toBe(1);
});

test('npm test ends in the count and in the exit code of what it ran', async () => {
  const project = await projectCopy({
    'test/good.test.ts': `import { expect, test } from 'vitest';\ntest('holds', () => expect(1).toBe(1));\n`,
    'test/bad.test.ts': `import { expect, test } from 'vitest';\ntest('breaks', () => expect(1).toBe(2));\n`,
    'test/empty.test.ts': `import { test } from 'vitest';\ntest('cannot fail', () => undefined);\n`,
  });
  for (const path of ['test/run.mjs', 'vitest.config.ts']) {
    await cp(join(root, path), join(project, path));
  }
  expect(await run(project, 'test/good')).toEqual(['1 passed, 0 failed', 0]);
  expect(await run(project)).toEqual(['1 passed, 2 failed', 1]);
  expect(await run(project, 'test/nothing-like-this')).toEqual(['0 passed, 1 failed', 1]);
  expect(await run(project, '--real', 'nowhere')).toEqual(['', 2]);
});

async function run(
  project: string,
  ...args: readonly string[]
): Promise<readonly [string, number]> {
  // Our own run must not speak through its child.
  const { VITEST: _vitest, VITEST_POOL_ID: _pool, VITEST_WORKER_ID: _worker, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, ['test/run.mjs', ...args], { cwd: project, env }, (error, stdout) =>
      resolve([stdout.trimEnd().split('\n').at(-1) ?? '', error === null ? 0 : Number(error.code)]),
    );
  });
}
