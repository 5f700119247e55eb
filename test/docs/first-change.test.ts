import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '..', '..');

/** Follows docs/first-change.md to the letter, in a copy of the project. */
test('the first change can be made as its page says, and changes what it says', async () => {
  const copy = await copyOfProject();
  for (const { language, text } of await blocks()) {
    if (language === 'diff') await apply(copy, text);
    else await follow(copy, text, language === 'sh fails');
  }
  const added = await linesAdded(copy, 'schema/snapshots');
  expect(added).toEqual({
    'schema/snapshots/api.graphql': ['"""How many files it has."""', 'fileCount: Int!'],
    'schema/snapshots/supergraph.graphql': [
      '"""How many files it has."""',
      expect.stringContaining('fileCount: Int!') as string,
    ],
    'schema/snapshots/training.graphql': ['"""How many files it has."""', 'fileCount: Int!'],
  });
}, 120_000);

async function blocks(): Promise<readonly { readonly language: string; readonly text: string }[]> {
  const page = await readFile(join(root, 'docs', 'first-change.md'), 'utf8');
  return [...page.matchAll(/^```(diff|sh(?: fails)?)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', text = '']) => ({ language, text }),
  );
}

async function copyOfProject(): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'fathom-first-change-'));
  onTestFinished(() => rm(copy, { recursive: true, force: true }));
  const { stdout } = await run(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: root },
  );
  for (const path of stdout.split('\0')) {
    if (path !== '')
      await cp(join(root, path), join(copy, path), { recursive: true }).catch(() => undefined);
  }
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'));
  await run('git', ['init', '--quiet'], { cwd: copy });
  await run('git', ['add', '--all'], { cwd: copy });
  return copy;
}

async function apply(copy: string, patch: string): Promise<void> {
  const file = join(copy, 'change.patch');
  await writeFile(file, patch);
  await run('git', ['apply', '--whitespace=nowarn', file], { cwd: copy });
  await rm(file);
}

/** Rejects, with what was printed, unless the commands succeed, or fail where the page says that they do. */
async function follow(copy: string, commands: string, fails: boolean): Promise<void> {
  const { VITEST: _vitest, NODE_ENV: _env, ...env } = process.env;
  const path = `${dirname(process.execPath)}:${env['PATH'] ?? ''}`;
  const failure = await run('bash', ['-euc', commands], {
    cwd: copy,
    env: { ...env, PATH: path },
  }).then(
    () => null,
    (error: { stdout?: string; stderr?: string }) => `${error.stdout ?? ''}${error.stderr ?? ''}`,
  );
  if (fails === (failure !== null)) return;
  throw new Error(failure ?? 'The page says that this fails, and it does not.');
}

async function linesAdded(
  copy: string,
  folder: string,
): Promise<Record<string, readonly string[]>> {
  const { stdout } = await run('git', ['diff', '--unified=0', '--', folder], { cwd: copy });
  const added: Record<string, string[]> = {};
  let path = '';
  for (const line of stdout.split('\n')) {
    if (line.startsWith('+++ b/')) added[(path = line.slice('+++ b/'.length))] = [];
    else if (line.startsWith('+')) added[path]?.push(line.slice(1).trim());
  }
  return added;
}
