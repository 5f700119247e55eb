import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { guarded } from '../../backends/deepaas-images/guard.ts';
import { type Finished, runModule } from './module-process.ts';
import { processesOf } from './processes-of.ts';

const eventually = { timeout: 20_000 };
const standIn = resolve(import.meta.dirname, 'module-server-deepaas/stand-in.mjs');

describe('a training by a DEEPaaS that somebody else started', () => {
  test('tells the lines of the server, its numbers and what it left, and nothing of our own requests', async () => {
    const site = await Site.open('learn');
    site.serve();
    const finished = await site.drive();
    expect(finished.code).toBe(0);
    expect(typesIn(finished.stdout)).toEqual(['metrics', 'phase', 'phase']);
    expect(finished.stdout).toContain('asked for the training 1');
    expect(finished.stderr).toBe('');
    expect(await site.output()).toEqual({
      metrics: { loss: 0.5 },
      artifacts: [{ name: 'model', kind: 'MODEL', path: 'out/model' }],
      labels: [],
    });
    expect(await readFile(join(site.work, 'out/model/weights'), 'utf8')).toBe('learned');
  });

  test('waits until the server is there', async () => {
    const site = await Site.open('nothing');
    const finishing = site.drive();
    await expect.poll(() => site.isBegun, eventually).toBe(true);
    site.serve();
    expect(await finishing).toMatchObject({ code: 0 });
    expect(await site.output()).toMatchObject({ metrics: { loss: 0.5 }, artifacts: [] });
  });

  test.each([
    ['refuse', 2, 'Not a valid choice'],
    ['fail', 1, 'matrix is singular'],
    ['die', 1, 'ended in the middle of the training with exit code 9'],
    ['forget', 1, 'does not know the training any more'],
  ])(
    'that fails (%s) ends with its own code and words, without a document',
    async (how, code, words) => {
      const site = await Site.open(how);
      site.serve();
      expect(await site.drive()).toMatchObject({ code, stderr: expect.stringContaining(words) });
      expect(await readdir(join(site.work, 'out'))).toEqual([]);
    },
  );

  test('does not wait for ever for a server that never listens', async () => {
    const site = await Site.open('learn');
    const finished = await site.drive(['--wait', '1']);
    expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('did not answer') });
  });

  test('does not train another model than the one that was meant', async () => {
    const site = await Site.open('learn');
    site.serve();
    const finished = await site.drive(['--model', 'another_one']);
    expect(finished).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('DEEPaaS serves stand_in, not another_one.'),
    });
  });

  test('whose server cannot start its model hears of it at once', async () => {
    const site = await Site.open('learn');
    site.serve({ DEEPAAS_V2_MODEL: 'broken' });
    const finished = await site.drive();
    expect(finished).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/No module named torch[^]*before it served a model with exit/),
    });
  });

  test('without a guard around the server hears that nobody listens any more', async () => {
    const site = await Site.open('die');
    site.serve({}, false);
    const finished = await site.drive([], false);
    expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('no connection') });
  });

  test('told to stop ends with 143, and the training in the server with it', async () => {
    const site = await Site.open('hang');
    site.serve();
    const finished = await site.drive([], true, (line, stop) => {
      if (line.includes('"metrics"')) stop();
    });
    expect(finished.code).toBe(143);
    expect(finished.stdout).toContain('cancelled 0');
    expect(await readdir(join(site.work, 'out'))).toEqual([]);
  });

  test('told to stop ends with 143 though the server answers nobody any more', async () => {
    const site = await Site.open('fall silent');
    site.serve();
    const finished = await site.drive([], true, (line, stop) => {
      if (line.includes('"metrics"')) stop();
    });
    expect(finished.code).toBe(143);
    expect(finished.stdout).not.toContain('cancelled');
    expect(await readdir(join(site.work, 'out'))).toEqual([]);
  });

  test('goes on with the same training when its driver was killed, and repeats no line', async () => {
    const site = await Site.open('wait');
    site.serve();
    const first = site.start();
    await expect.poll(() => site.isAsked(), eventually).toBe(true);
    await expect.poll(() => first.said, eventually).toContain('asked for the training 1');
    // It remembers that it has printed it: one that is killed in between prints it again, rather than never.
    await expect.poll(() => site.remembered(), eventually).toContain('asked for the training 1');
    first.child.kill('SIGKILL');
    await first.ended;
    const finishing = site.drive();
    await writeFile(join(site.work, 'go'), '');
    const finished = await finishing;
    expect(finished.code).toBe(0);
    expect(finished.stdout).not.toContain('asked for');
    expect(await site.output()).toMatchObject({ artifacts: [{ path: 'out/model' }] });
    expect(await site.drive()).toMatchObject({ code: 0, stdout: '' });
  });

  test('finds the training whose answer was lost with its driver', async () => {
    const site = await Site.open('wait');
    site.serve();
    await expect.poll(() => site.ask('GET'), eventually).toEqual([]);
    await writeFile(join(site.work, '.deepaas-training.json'), '{"known":[]}');
    await site.ask('POST', { how: 'wait' });
    const finishing = site.drive();
    await expect.poll(() => site.isBegun, eventually).toBe(true);
    await writeFile(join(site.work, 'go'), '');
    expect((await finishing).code).toBe(0);
    expect(await site.ask('GET')).toHaveLength(1);
  });

  test('is not asked for again from a server that was started anew and knows nothing of it', async () => {
    const site = await Site.open('learn');
    await writeFile(join(site.work, '.deepaas-training.json'), '{"uuid":"0007"}');
    site.serve();
    const finished = await site.drive();
    expect(finished).toMatchObject({ code: 1, stderr: expect.stringContaining('any more') });
    expect(finished.stdout).not.toContain('asked for');
  });
});

describe('the guard around a server', () => {
  test('starts it once in a folder, and then says that it was killed', async () => {
    const site = await Site.open('hang');
    const first = site.serve();
    await expect.poll(() => existsSync(join(site.folder, 'stdout')), eventually).toBe(true);
    process.kill(-(first.pid ?? 0), 'SIGKILL');
    const second = site.serve();
    await expect
      .poll(() => readFile(join(site.folder, 'ended'), 'utf8').catch(() => ''), eventually)
      .toBe('killed\n');
    expect(second.exitCode).toBeNull();
    expect(await site.drive()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it was killed'),
    });
  });

  test('passes on that it is to stop', async () => {
    const site = await Site.open('hang');
    const guard = site.serve();
    await expect.poll(() => site.ask('GET'), eventually).toEqual([]);
    guard.kill('SIGTERM');
    await new Promise((resolve) => guard.once('exit', resolve));
    expect(guard.exitCode).toBe(0);
    expect(processesOf(site.work)).toEqual([]);
  });
});

describe('a training by a server that a command starts', () => {
  const train = async (how: string, watch?: (line: string, stop: () => void) => void) => {
    const site = await Site.open(how);
    const command = ['--deepaas-command', process.execPath, standIn, 'deepaas-run'];
    const finished = await runModule(['train', '--work', site.work, ...command], watch);
    expect(processesOf(site.work)).toEqual([]);
    return { site, finished };
  };

  test('learns, and leaves no server', async () => {
    const { finished, site } = await train('learn');
    expect(finished).toMatchObject({ code: 0, stderr: '' });
    expect(typesIn(finished.stdout)).toEqual(['metrics', 'phase', 'phase']);
    expect(await site.output()).toMatchObject({ artifacts: [{ path: 'out/model' }] });
  });

  test.each([
    ['refuse', 2, 'Not a valid choice'],
    ['die', 1, 'ended in the middle'],
  ])('that fails (%s) ends with its own code and words', async (how, code, words) => {
    const { finished } = await train(how);
    expect(finished).toMatchObject({ code, stderr: expect.stringContaining(words) });
  });

  test('told to stop ends with 143, and so does the server', async () => {
    const { finished } = await train('hang', (line, stop) => {
      if (line.includes('"metrics"')) stop();
    });
    expect(finished.code).toBe(143);
  });

  test('without a program, or beside another command, says how it is used', async () => {
    expect(await runModule(['train', '--work', '/tmp', '--deepaas-command'])).toMatchObject({
      code: 2,
    });
    expect(await runModule(['serve', '--deepaas', 'http://127.0.0.1:1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Usage'),
    });
  });
});

/** A work folder, and a port where a server is started. */
class Site {
  readonly work: string;
  readonly #port: number;

  static async open(how: string): Promise<Site> {
    const work = await mkdtemp(join(tmpdir(), 'fathom-deepaas-driver-'));
    onTestFinished(() => rm(work, { recursive: true, force: true }));
    await writeFile(join(work, 'workload.json'), JSON.stringify({ arguments: { how } }));
    return new Site(work, await freePort());
  }

  private constructor(work: string, port: number) {
    this.work = work;
    this.#port = port;
  }

  get folder(): string {
    return join(this.work, '.deepaas');
  }

  /** What of the server's standard output is known to have been printed. */
  async remembered(): Promise<string> {
    const places = await readFile(`${this.folder}.read`, 'utf8').catch(() => '0');
    const printed = await readFile(join(this.folder, 'stdout'));
    return printed.subarray(0, Number.parseInt(places, 10)).toString();
  }

  serve(environment: Readonly<Record<string, string>> = {}, isGuarded = true): ChildProcess {
    const listen = ['--listen-ip', '127.0.0.1', '--listen-port', String(this.#port)];
    const argv = [process.execPath, standIn, 'deepaas-run', ...listen];
    const [file = '', ...args] = isGuarded ? guarded(this.folder, argv) : argv;
    const child = spawn(file, args, {
      cwd: this.work,
      env: {
        PATH: process.env['PATH'],
        FATHOM_WORK_FOLDER: this.work,
        FATHOM_MODEL_FOLDER: join(this.work, 'out/.unfinished-model'),
        ...environment,
      },
      stdio: 'ignore',
      detached: true,
    });
    onTestFinished(() => {
      try {
        process.kill(-(child.pid ?? 0), 'SIGKILL');
      } catch {
        // It ended, and what it started.
      }
    });
    return child;
  }

  drive(
    more: readonly string[] = [],
    isGuarded = true,
    watch?: (line: string, stop: () => void) => void,
  ): Promise<Finished> {
    return runModule(this.#args(more, isGuarded), watch);
  }

  /** The driver as a process that may be killed. */
  start() {
    const main = resolve(import.meta.dirname, '../../modules/runtime/main.ts');
    const child = spawn(process.execPath, [main, ...this.#args([], true)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const running = {
      child,
      said: '',
      ended: new Promise((resolve) => child.once('close', resolve)),
    };
    child.stdout.on('data', (text: Buffer) => (running.said += text.toString()));
    return running;
  }

  async ask(method: string, body: object | null = null): Promise<unknown> {
    const url = `http://127.0.0.1:${this.#port}/v2/models/stand_in/train/`;
    return fetch(url, { method, body: body === null ? null : JSON.stringify(body) }).then(
      (answer) => answer.json(),
      () => null,
    );
  }

  get isBegun(): boolean {
    return existsSync(join(this.work, 'out/.unfinished-model'));
  }

  async isAsked(): Promise<boolean> {
    const path = join(this.work, '.deepaas-training.json');
    return (await readFile(path, 'utf8').catch(() => '')).includes('uuid');
  }

  async output(): Promise<unknown> {
    return JSON.parse(await readFile(join(this.work, 'out/output.json'), 'utf8'));
  }

  #args(more: readonly string[], isGuarded: boolean): readonly string[] {
    return [
      ...['train', '--work', this.work, '--deepaas', `http://127.0.0.1:${this.#port}/`],
      ...(isGuarded ? ['--server-folder', this.folder] : []),
      ...more,
    ];
  }
}

function typesIn(stdout: string): readonly string[] {
  return stdout
    .split('\n')
    .flatMap((line) => /^\{"type":"(\w+)"/.exec(line)?.[1] ?? [])
    .toSorted();
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
