import { chmod, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { modelOf } from '../../modules/deepaas/python-module.ts';
import { type Finished, runModule, startModuleServer } from './module-process.ts';
import { processesOf } from './processes-of.ts';

const standIn = resolve(import.meta.dirname, 'module-server-deepaas/stand-in.mjs');

describe('a module in Python', () => {
  test('says what it is, by its server and by its code', async () => {
    const said = await runModule(['describe', '--module', await moduleFolder()]);
    expect(said.code).toBe(0);
    expect(JSON.parse(said.stdout)).toEqual({
      name: 'stand_in',
      version: '3.2.1',
      trainable: true,
      swagger: { swagger: '2.0', paths: {} },
      sample: null,
      api: 'DEEPAAS',
    });
  });

  test.each([
    ['pyproject.toml', `[project.entry-points."deepaas.v2.model"]\nstand_in = "package"\n`],
    ['setup.cfg', `[entry_points]\ndeepaas.v2.model =\n    stand_in = package:Model\n`],
    ['setup.py', `setup(entry_points={"deepaas.v2.model": ["stand_in = package"]})`],
  ])('is known by its %s', async (file, text) => {
    expect(await modelOf(await moduleFolder({ [file]: text }))).toBe('stand_in');
  });

  test('without an environment says how to make one', async () => {
    const folder = await moduleFolder();
    await rm(join(folder, '.venv'), { recursive: true });
    const said = await runModule(['describe', '--module', folder]);
    expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining('python3 -m venv') });
    const named = await runModule(['describe', '--module', folder, '--python', '/nowhere']);
    expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('/nowhere has no') });
  });

  test('is trained: lines as they come, the numbers of its answer, and what it left as the model', async () => {
    const { finished, work } = await train('learn');
    expect(finished.code).toBe(0);
    const types = finished.stdout
      .split('\n')
      .flatMap((line) => /^\{"type":"(\w+)"/.exec(line)?.[1] ?? []);
    expect(types.toSorted()).toEqual(['metrics', 'phase', 'phase']);
    expect(await outputOf(work)).toEqual({
      metrics: { loss: 0.5 },
      artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }],
      labels: [],
    });
    expect(await readdir(join(work, 'out/model'))).toEqual(['weights']);
  });

  test('that leaves no model has its numbers and no artifact', async () => {
    const { finished, work } = await train('nothing');
    expect(finished.code).toBe(0);
    expect(await outputOf(work)).toMatchObject({ metrics: { loss: 0.5 }, artifacts: [] });
    expect(await readdir(join(work, 'out'))).toEqual(['output.json']);
  });

  test.each([
    ['refuse', 2, 'Not a valid choice'],
    ['fail', 1, 'matrix is singular'],
    ['die', 1, 'ended in the middle'],
    ['forget', 1, 'does not know the training any more'],
  ])(
    'that does not train (%s) ends with its own code and words, without a document',
    async (how, code, words) => {
      const { finished, work } = await train(how);
      expect(finished).toMatchObject({ code, stderr: expect.stringContaining(words) });
      expect(await readdir(join(work, 'out'))).toEqual([]);
    },
  );

  test('told to stop ends with 143 and leaves no document and no process', async () => {
    const { finished, work } = await train('hang', (line, stop) => {
      if (line.includes('"metrics"')) stop();
    });
    expect(finished.code).toBe(143);
    expect(await readdir(join(work, 'out'))).toEqual([]);
    expect(processesOf(work)).toEqual([]);
  });

  test.each(['broken', 'other'])(
    'whose model is not served (%s) does not pass for one',
    async (model) => {
      const folder = await moduleFolder(packagingOf(model));
      const said = await runModule(['serve', '--module', folder]);
      expect(said).toMatchObject({ code: 2, stderr: expect.stringContaining(model) });
      expect(said.stdout).not.toContain('listening');
    },
  );

  test('is served with the model it is given, until it is told to stop', async () => {
    const folder = await moduleFolder();
    const server = await startModuleServer(folder, ['--artifact', '.']);
    const model = await (await fetch(`${server.url}/v2/models/stand_in/`)).json();
    expect(model).toMatchObject({ artifact: process.cwd() });
    expect(await server.stop()).toBe(0);
    await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  });
});

async function train(
  how: string,
  watch?: (line: string, stop: () => void) => void,
): Promise<{ readonly finished: Finished; readonly work: string }> {
  const work = await temporaryFolder();
  await writeFile(join(work, 'workload.json'), JSON.stringify({ arguments: { how } }));
  const args = ['train', '--module', await moduleFolder(), '--work', work];
  return { finished: await runModule(args, watch), work };
}

async function outputOf(work: string): Promise<unknown> {
  return JSON.parse(await readFile(join(work, 'out/output.json'), 'utf8'));
}

async function moduleFolder(
  files: Readonly<Record<string, string>> = packagingOf('stand_in'),
): Promise<string> {
  const folder = await temporaryFolder();
  const bin = join(folder, '.venv/bin');
  await mkdir(bin, { recursive: true });
  const programs = {
    python: `#!/bin/sh\nexec '${process.execPath}' '${standIn}' "$@"\n`,
    'deepaas-run': '#!/bin/sh\n',
  };
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(bin, name), text);
    await chmod(join(bin, name), 0o755);
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

function packagingOf(model: string): Readonly<Record<string, string>> {
  return {
    'pyproject.toml': `[project.entry-points."deepaas.v2.model"]\n${model} = "package"\n`,
  };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-python-module-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
