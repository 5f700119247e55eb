import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Handle, Program } from '../../backends/contract/workload.ts';
import type { SlurmUnderTest } from '../contract/backend/slurm-under-test.ts';
import { openSlurm } from '../contract/backend/slurm-under-test.ts';
import type { JobRunner, JobStatus } from '../../backends/contract/job-runner.ts';
import { job, printed, submit, textOf } from '../contract/backend/under-test.ts';
import type { ImageRunner } from './slurm-images.ts';
import { kinds, lackOf, makeRunner, moduleArchive } from './slurm-images.ts';
import { trainingInputs } from './slurm-module.ts';
import { byCommands } from './slurm-transports.ts';
import type { RealSlurm } from './slurm.ts';

const run = promisify(execFile);
const module = 'tabular-classifier';
const small = { cpus: 1, memoryMiB: 1000, gpus: null, timeLimitSeconds: 120 };

/** An image of a module in jobs, by each program for images that this machine has; it says which it has not. */
export function slurmRunsImages(started: () => RealSlurm): void {
  describe('images in jobs of real slurm', () => {
    let folder = '';
    let archive: string | null = null;
    const lacks = new Map<string, string>();
    beforeAll(async () => {
      for (const kind of kinds) {
        const lack = await lackOf(kind);
        if (lack !== null) lacks.set(kind, lack);
      }
      if (lacks.size < kinds.length) {
        folder = await mkdtemp(join(started().folder, 'shared/images-'));
        archive = await moduleArchive(module, folder).catch((error: unknown) => {
          for (const kind of kinds) lacks.set(kind, `there is no image: ${String(error)}`);
          return null;
        });
      }
      for (const lack of new Set(lacks.values())) console.log(`not run: ${lack}`);
    }, 1_800_000);
    afterAll(async () => {
      if (folder !== '') await rm(folder, { recursive: true, force: true });
    }, 120_000);

    describe.each(kinds)('by %s', { timeout: 300_000 }, (kind) => {
      let opened: Opened | null = null;
      beforeAll(async () => {
        if (archive === null || lacks.has(kind)) return;
        const runner = await makeRunner(kind, archive, folder);
        opened = { runner, under: await openWith(runner, started()) };
      }, 600_000);
      afterAll(() => opened?.under.destroy(), 120_000);
      imagePromises(() => opened, started);
    });
  });
}

async function openWith(runner: ImageRunner, slurm: RealSlurm): Promise<SlurmUnderTest> {
  const settings = { container: runner.settings };
  const opened = await openSlurm(byCommands(slurm), settings, `${slurm.folder}/shared`);
  const shell = (script: string, ...argv: string[]): Program => ({
    kind: 'COMMAND',
    argv: ['/bin/sh', '-c', script, 'sh', ...argv],
    image: runner.image,
  });
  return { ...opened, shell };
}

interface Opened {
  readonly under: SlurmUnderTest;
  readonly runner: ImageRunner;
}

const absent = 'The program is not on this machine.';

function imagePromises(opened: () => Opened | null, started: () => RealSlurm): void {
  const listing = async (): Promise<string> =>
    (await run('ps', ['-eo', 'args'])).stdout + (await started().listing());

  test('arguments and environment reach the program unmangled', async ({ skip }) => {
    const { under } = opened() ?? skip(absent);
    const wild = [
      'two words',
      `'single' "double" \`back\``,
      'line one\nline two\n',
      '$(touch out/injected) ${HOME} && rm -rf . ; #',
      'ünïcödé 漢字 🙂',
      ' \\n \\ \t ',
      '',
      '--flag=-x',
      '-e',
    ];
    const environment = Object.fromEntries(wild.map((value, index) => [`WILD_${index}`, value]));
    const script = `for a in "$@"; do printf '%s\\0' "$a" >> out/argv; done
      for i in 0 1 2 3 4 5 6 7 8; do eval "v=\\$WILD_$i"; printf '%s\\0' "$v" >> out/env; done
      [ "$(pwd -P)" = "$FATHOM_WORK_FOLDER" ] && cat data/a "$FATHOM_WORK_FOLDER/data/a" > out/work`;
    const inputs = [{ path: 'data/a', content: { kind: 'TEXT', text: 'here ' } }] as const;
    const workload = job(under.shell(script, ...wild), { environment, inputs, resources: small });
    const handle = await submit(under.jobs, workload);
    expect((await endOf(under.jobs, handle)).exit).toMatchObject({ code: 0 });
    const outputs = await under.jobs.outputs(handle);
    expect((await textOf(outputs, 'argv')).split('\0').slice(0, -1)).toEqual(wild);
    expect((await textOf(outputs, 'env')).split('\0').slice(0, -1)).toEqual(wild);
    expect(await textOf(outputs, 'work')).toBe('here here ');
    expect((await outputs.list('')).map(({ path }) => path)).toEqual(['argv', 'env', 'work']);
  });

  test('what is asked for wins over what the image sets', async ({ skip }) => {
    const { under } = opened() ?? skip(absent);
    const environment = { FATHOM_MODULE: '/another' };
    const handle = await submit(
      under.jobs,
      job(under.shell('echo "$FATHOM_MODULE"'), { environment, resources: small }),
    );
    await endOf(under.jobs, handle);
    expect((await printed(under.jobs, handle)).map(({ text }) => text)).toContain('/another');
  });

  test('a secret reaches the program and stands in nothing that can be listed', async ({
    skip,
  }) => {
    const { under } = opened() ?? skip(absent);
    const secret = `s3cr3t-${process.pid}-$(id) "q"`;
    const script = 'printf %s "$TOKEN" | wc -c > out/length; echo ready; while :; do sleep 1; done';
    const workload = job(under.shell(script), { secrets: { TOKEN: secret }, resources: small });
    const handle = await submit(under.jobs, workload);
    await untilPrinted(under.jobs, handle, 'ready');
    const start = secret.slice(0, 12);
    expect(await listing()).not.toContain(start);
    expect(await filesWith(start, under.sharedFolder)).toBe('');
    await under.jobs.cancel(handle);
    await endOf(under.jobs, handle);
    const length = await textOf(await under.jobs.outputs(handle), 'length');
    expect(Number(length)).toBe(secret.length);
  });

  test('exit codes come back, with the last lines; a signal as it is told', async ({ skip }) => {
    const { under, runner } = opened() ?? skip(absent);
    const ends = async (script: string) => {
      const handle = await submit(under.jobs, job(under.shell(script), { resources: small }));
      return (await endOf(under.jobs, handle)).exit;
    };
    const exit = await ends('echo "the reason" >&2; exit 42');
    expect(exit).toMatchObject({ cause: 'EXITED', code: 42 });
    expect(exit?.message).toContain('the reason');
    expect(await ends('kill -KILL $$')).toMatchObject(runner.killed);
  });

  test('cancel ends what runs in the image, and nothing of it goes on', async ({ skip }) => {
    const { under } = opened() ?? skip(absent);
    const mark = `71${process.pid}`;
    const script = `echo up; sleep ${mark} & sleep ${mark}`;
    const handle = await submit(under.jobs, job(under.shell(script), { resources: small }));
    await untilPrinted(under.jobs, handle, 'up');
    await under.jobs.cancel(handle);
    expect((await endOf(under.jobs, handle)).exit?.cause).toBe('CANCELLED');
    expect(await listing()).not.toContain(`sleep ${mark}`);
  });

  test('who asked for a GPU is told by Slurm which, and others that there is none', async ({
    skip,
  }) => {
    const { under } = opened() ?? skip(absent);
    const gpus = { count: 1, model: null, memoryMiB: null };
    const script = 'echo "GPUs [$CUDA_VISIBLE_DEVICES]"';
    for (const [resources, expected] of [
      [{ ...small, gpus }, /^GPUs \[[01]\]$/],
      [small, /^GPUs \[\]$/],
    ] as const) {
      const handle = await submit(under.jobs, job(under.shell(script), { resources }));
      expect((await endOf(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      const lines = (await printed(under.jobs, handle)).map(({ text }) => text);
      expect(lines).toEqual(expect.arrayContaining([expect.stringMatching(expected)]));
    }
  });

  test('who asked for a GPU finds the libraries of the node, and nobody else', async ({ skip }) => {
    const { under, runner } = opened() ?? skip(absent);
    const { folder, names } = runner.gpuLibraries ?? skip('There is no one place for them.');
    if (names.length === 0) skip('This node has none of them.');
    const gpus = { count: 1, model: null, memoryMiB: null };
    for (const [resources, expected] of [
      [{ ...small, gpus }, names],
      [small, []],
    ] as const) {
      const program = under.shell(`ls "$1" > out/libraries`, folder);
      const handle = await submit(under.jobs, job(program, { resources }));
      expect((await endOf(under.jobs, handle)).exit).toMatchObject({ code: 0 });
      const listed = await textOf(await under.jobs.outputs(handle), 'libraries');
      expect(listed.split('\n').filter(Boolean)).toEqual(expected);
    }
  });

  test('the module of the image is trained', async ({ skip }) => {
    const { under, runner } = opened() ?? skip(absent);
    const source = { kind: 'IMAGE', image: runner.image } as const;
    const program = {
      kind: 'MODULE',
      module: { slug: module, source },
      operation: 'train',
    } as const;
    const resources = { cpus: 2, memoryMiB: 1500, gpus: null, timeLimitSeconds: 240 };
    const inputs = await trainingInputs();
    const handle = await submit(under.jobs, job(program, { inputs, resources }));
    const { exit, startedAt, endedAt } = await endOf(under.jobs, handle);
    expect(exit).toMatchObject({ cause: 'EXITED', code: 0 });
    const told = (await printed(under.jobs, handle)).map(({ text }) => text);
    expect(told.some((text) => text.includes('"type":"metrics"'))).toBe(true);
    const outputs = await under.jobs.outputs(handle);
    const document = JSON.parse(await textOf(outputs, 'output.json')) as {
      readonly metrics: { readonly accuracy: number };
    };
    expect(document.metrics.accuracy).toBeGreaterThan(0.8);
    expect((await outputs.list('model/')).length).toBeGreaterThan(0);
    console.log(`${runner.kind}: trained in ${(endedAt ?? 0) - (startedAt ?? 0)} ms`);
  });
}

/** A container that is a copy of its image takes its time on a busy machine. */
const patience = () => AbortSignal.timeout(240_000);

async function endOf(jobs: JobRunner, handle: Handle): Promise<JobStatus> {
  for await (const status of jobs.watch(handle, patience())) {
    if (status.phase === 'ENDED') return status;
  }
  throw new Error('the job did not end');
}

async function untilPrinted(jobs: JobRunner, handle: Handle, text: string): Promise<void> {
  for (const limit = patience(); !limit.aborted;) {
    if ((await printed(jobs, handle)).some((line) => line.text === text)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the job never printed ${text}`);
}

/** The files below a folder that hold the text; '' when none does. */
async function filesWith(text: string, folder: string): Promise<string> {
  const argv = ['--recursive', '--files-with-matches', '--fixed-strings', text, folder];
  return run('grep', argv).then(
    ({ stdout }) => stdout,
    (error: { readonly code?: number; readonly stdout?: string }) => {
      if (error.code === 1) return '';
      throw error;
    },
  );
}
