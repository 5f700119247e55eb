import { execFile } from 'node:child_process';
import { copyFile, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectCopy, writeFiles } from './project-copy.ts';

const sources = {
  'server/main.ts': `import { shared } from './shared.ts';\nconsole.log('main', shared);\n`,
  'server/demo/main.ts': `import { shared } from '../shared.ts';\nconsole.log('demo', shared);\n`,
  'backends/local/supervisor.ts': `console.log('supervisor');\n`,
  'modules/launcher/main.ts': `console.log('launcher', await Promise.resolve(1));\n`,
  'server/shared.ts': `function mark(_: object, __: string): void {}
class Thing { @mark name: string = 'thing'; }
export const shared: string = new Thing().name;
`,
};

test('every program is built, decorators and shared code included', async () => {
  const project = await projectCopy(sources);
  expect(await build(project)).toEqual({ code: 0, stderr: '' });
  for (const name of ['main', 'demo', 'supervisor']) {
    expect(await readFile(join(project, 'dist', `${name}.js`), 'utf8')).toContain(
      'sourceMappingURL',
    );
  }
  expect(await run(project, 'main')).toBe('main thing\n');
  expect(await run(project, 'demo')).toBe('demo thing\n');
});

test('the launcher is one file that needs nothing beside it', async () => {
  const project = await projectCopy(sources);
  await build(project);
  const elsewhere = join(project, 'elsewhere.mjs');
  await copyFile(join(project, 'dist', 'launcher.mjs'), elsewhere);
  expect(await runFile(elsewhere, tmpdir())).toBe('launcher 1\n');
});

test('a build with nothing new writes nothing', async () => {
  const project = await projectCopy(sources);
  await build(project);
  const before = await stat(join(project, 'dist', 'main.js'));
  await build(project);
  expect((await stat(join(project, 'dist', 'main.js'))).ino).toBe(before.ino);
});

test('a change of content, of settings or of the output is built again', async () => {
  const project = await projectCopy(sources);
  await build(project);
  await writeFiles(project, { 'server/shared.ts': `export const shared = 'other';\n` });
  await build(project);
  expect(await run(project, 'main')).toBe('main other\n');

  await rm(join(project, 'dist', 'main.js'));
  await build(project);
  expect(await run(project, 'main')).toBe('main other\n');

  const stamp = join(project, 'dist', 'build.json');
  const before = await stat(stamp);
  const settings = await readFile(join(project, 'tsconfig.json'), 'utf8');
  await writeFiles(project, { 'tsconfig.json': `${settings}\n` });
  await build(project);
  expect((await stat(stamp)).ino).not.toBe(before.ino);
});

test('a program without a source fails the build by name, and the others are built', async () => {
  const { 'server/demo/main.ts': _demo, ...rest } = sources;
  const project = await projectCopy(rest);
  const { code, stderr } = await build(project);
  expect(stderr).toBe('fathom: entry "demo" has no source server/demo/main.ts\n');
  expect(code).toBe(1);
  expect(await run(project, 'main')).toBe('main thing\n');
});

test('sources that do not compile leave the last build as it was', async () => {
  const project = await projectCopy(sources);
  await build(project);
  await writeFiles(project, { 'server/shared.ts': 'export const shared = ;\n' });
  const { code, stderr } = await build(project);
  expect(stderr).toContain('server/shared.ts:1');
  expect(code).toBe(1);
  expect(await run(project, 'main')).toBe('main thing\n');
});

async function build(project: string): Promise<{ readonly code: number; readonly stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['server/build.mjs'], { cwd: project }, (error, _stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stderr }),
    );
  });
}

function run(project: string, name: string): Promise<string> {
  return runFile(join('dist', `${name}.js`), project);
}

async function runFile(file: string, cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [file], { cwd }, (error, stdout) =>
      error === null ? resolve(stdout) : reject(error),
    );
  });
}
