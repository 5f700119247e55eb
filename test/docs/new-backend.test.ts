import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const root = resolve(import.meta.dirname, '..', '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

test('a new backend passes types, lint and format, and fails its suite until it is written', async () => {
  const copy = await copyOfProject();
  const made = await run(copy, bin('tsx'), 'server/new-backend.ts', 'my-cloud');
  expect(made).toMatchObject({ code: 0 });
  const files = made.output.split('\n').filter((line) => /^(backends|test)\//.test(line));
  expect(files).toEqual([
    ...[
      'README.md',
      'client.ts',
      'config.ts',
      'index.ts',
      'jobs.ts',
      'observe.ts',
      'translate.ts',
    ].map((file) => `backends/my-cloud/${file}`),
    'test/contract/backend/my-cloud.test.ts',
    'test/contract/backend/my-cloud-under-test.ts',
    'backends/registry.ts',
  ]);
  expect(await readFile(join(copy, 'backends/registry.ts'), 'utf8')).toMatch(
    /\bmyCloud\] as const/,
  );

  const types = await run(copy, bin('tsc'), '--noEmit', '--erasableSyntaxOnly');
  // Whether the rest of the project compiles is not asked here.
  expect(types.output.split('\n').filter((line) => line !== '' && isAbout(files, line))).toEqual(
    [],
  );
  const code = files.filter((file) => file.endsWith('.ts'));
  expect(await run(copy, bin('oxlint'), '--quiet', '--deny-warnings', ...code)).toMatchObject({
    code: 0,
  });
  expect(await run(copy, bin('prettier'), '--check', ...files)).toMatchObject({ code: 0 });

  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const suite = ['run', '--reporter=json', '--outputFile=report.json'];
  const file = 'test/contract/backend/my-cloud.test.ts';
  expect(await run(copy, process.execPath, vitest, ...suite, file)).toMatchObject({ code: 1 });
  const report = JSON.parse(await readFile(join(copy, 'report.json'), 'utf8')) as Report;
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const by = (status: string): readonly string[] =>
    results.filter((one) => one.status === status).map(({ title }) => title);
  expect(by('failed').length).toBeGreaterThan(25);
  // Only what it truly does: it says what it is, and that it has none of what it has not.
  for (const title of by('passed')) {
    expect(title).toMatch(/Unsupported|^says what it is|^offers what this suite says/);
  }
  // And what stands in the suite for other capabilities.
  expect(by('pending').length + by('skipped').length).toBeLessThan(20);

  expect(await run(copy, bin('tsx'), 'server/new-backend.ts', 'my-cloud')).toMatchObject({
    code: 2,
  });
}, 240_000);

/** A finding of the compiler: `PATH(LINE,COLUMN): error`. One without a path is about everything. */
function isAbout(files: readonly string[], finding: string): boolean {
  const path = /^(\S+)\(\d+,\d+\): error/.exec(finding)?.[1];
  return path === undefined ? !finding.startsWith(' ') : files.includes(path);
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly title: string }[];
  }[];
}

async function run(
  cwd: string,
  file: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly output: string }> {
  // A vitest within a vitest must not take itself for one of its workers, and what must fail need not fail three times.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|TINYPOOL|NODE_ENV|TEST|DEV|PROD|MODE|CI$)/.test(name),
    ),
  );
  const options = { cwd, env, maxBuffer: 1 << 26 };
  try {
    const { stdout } = await promisify(execFile)(file, args, options);
    return { code: 0, output: stdout };
  } catch (error) {
    const { code, stdout } = error as { readonly code: number; readonly stdout: string };
    return { code, output: stdout };
  }
}

async function copyOfProject(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'fathom-new-backend-'));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const { output } = await run(root, 'git', ...list);
  for (const path of output.split('\0').filter(Boolean)) {
    // Listed and deleted meanwhile.
    await cp(join(root, path), join(copy, path), { recursive: true }).catch(() => undefined);
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}
