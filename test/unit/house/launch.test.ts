import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectCopy, writeFiles } from './project-copy.ts';

// The launcher under an old Node, without having one: only its own process believes it.
const asOldNode = [
  '--import',
  `data:text/javascript,${encodeURIComponent("Object.defineProperty(process.versions, 'node', { value: '18.20.0' })")}`,
];

const script = `console.log(JSON.stringify({ node: process.versions.node, args: process.argv.slice(2), path: process.env.PATH }));
process.exitCode = 7;
`;

test('a script runs under a recent Node even when the launcher was started by an old one', async () => {
  const project = await projectCopy({ 'a/script.mjs': script });
  for (const node of [[], asOldNode]) {
    const { code, stdout } = await launch(project, node, ['--script', 'a/script.mjs', 'x', '--y']);
    const seen = JSON.parse(stdout) as { readonly node: string; readonly args: readonly string[] };
    expect(seen.args).toEqual(['x', '--y']);
    expect(Number(seen.node.split('.')[0])).toBeGreaterThanOrEqual(22);
    expect(code).toBe(7);
  }
});

test("a script finds the project's own programs", async () => {
  const project = await projectCopy({ 'a/script.mjs': script });
  const { stdout } = await launch(project, [], ['--script', 'a/script.mjs']);
  const { path } = JSON.parse(stdout) as { readonly path: string };
  expect(path.split(':')[1]).toBe(join(project, 'node_modules', '.bin'));
});

test('a signal to the launcher of an old Node reaches the program, whose exit code counts', async () => {
  const project = await projectCopy({
    'server/main.ts': `process.on('SIGTERM', () => { console.log('stopped'); process.exit(3); });
setInterval(() => undefined, 1000);
console.log('ready');
`,
  });
  const { code, stdout } = await launch(project, asOldNode, [], 'SIGTERM');
  expect(stdout).toBe('ready\nstopped\n');
  expect(code).toBe(3);
});

test('without a recent Node the launcher says what to install', async () => {
  const project = await projectCopy({});
  await rm(join(project, 'node_modules'));
  const { code, stderr } = await launch(project, asOldNode, ['--script', 'a/script.mjs']);
  expect(stderr).toContain('this is Node 18.20.0');
  expect(stderr).toContain('npm install');
  expect(code).toBe(1);
});

test('the server is built before it starts, again after a change, and gets its arguments', async () => {
  const project = await projectCopy({
    'server/main.ts': `import { word } from './word.ts';\nconsole.log(word, ...process.argv.slice(2));\n`,
    'server/word.ts': `export const word: string = 'one';\n`,
  });
  expect((await launch(project, [], ['subgraph', 'modules'])).stdout).toBe(
    'one subgraph modules\n',
  );
  await writeFiles(project, { 'server/word.ts': `export const word: string = 'two';\n` });
  expect((await launch(project, [], ['worker'])).stdout).toBe('two worker\n');
});

test('a program whose source is not there is named', async () => {
  const project = await projectCopy({ 'server/main.ts': `console.log('main');\n` });
  const { code, stderr } = await launch(project, [], ['--demo']);
  expect(stderr).toContain('cannot build "demo"');
  expect(code).toBe(1);
  const missing = await launch(project, [], ['--script', 'nowhere.mjs']);
  expect(missing.stderr).toContain('nowhere.mjs');
  expect(missing.code).toBe(1);
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the launcher to its end; `signal` is sent to it at its first output. */
async function launch(
  project: string,
  node: readonly string[],
  args: readonly string[],
  signal?: NodeJS.Signals,
): Promise<Ended> {
  const argv = [...node, 'server/launch.mjs', ...args];
  const child = spawn(process.execPath, argv, { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (stdout === '' && signal !== undefined) child.kill(signal);
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}
