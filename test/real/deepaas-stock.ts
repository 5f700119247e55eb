import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { guarded } from '../../backends/deepaas-images/guard.ts';
import * as iris from '../../modules/data/iris.ts';
import { layOutWorkload } from '../../modules/runtime/lay-out-workload.ts';
import { runModule } from '../contract/module-process.ts';

/** A `deepaas-run` that knows nothing of us and that we did not start, with the guard of `backends/deepaas-images` around it. */
export function stockDeepaas(deepaasRun: () => string): void {
  const model = 'iris_sklearn';

  const open = async (epochs: number) => {
    const work = await mkdtemp(join(tmpdir(), 'fathom-stock-'));
    onTestFinished(() => rm(work, { recursive: true, force: true }));
    const { examples, target } = iris;
    const data = { format: 'CSV', target, examples, files: await iris.files() } as const;
    await layOutWorkload(work, { module: model, arguments: { epochs }, seed: 3, data });
    return { work, port: await freePort() };
  };

  const serve = ({
    work,
    port,
  }: {
    readonly work: string;
    readonly port: number;
  }): ChildProcess => {
    const listen = ['--listen-ip', '127.0.0.1', '--listen-port', String(port)];
    const [file = '', ...args] = guarded(join(work, '.deepaas'), [deepaasRun(), ...listen]);
    const child = spawn(file, args, {
      env: {
        PATH: process.env['PATH'],
        PYTHONUNBUFFERED: '1',
        DEEPAAS_V2_MODEL: model,
        FATHOM_WORK_FOLDER: work,
        FATHOM_WORKLOAD: join(work, 'workload.json'),
        FATHOM_DATA_FOLDER: join(work, 'data'),
        FATHOM_MODEL_FOLDER: join(work, 'out/.unfinished-model'),
      },
      stdio: 'ignore',
      detached: true,
    });
    onTestFinished(() => end(child));
    return child;
  };

  const drive = (
    { work, port }: { readonly work: string; readonly port: number },
    watch?: (line: string, stop: () => void) => void,
  ) =>
    runModule(
      [
        ...['train', '--work', work, '--deepaas', `http://127.0.0.1:${port}`, '--model', model],
        ...['--server-folder', join(work, '.deepaas')],
      ],
      watch,
    );

  describe('a DEEPaaS that is not ours and not started by us', { timeout: 180_000 }, () => {
    test('is asked once, and its lines, numbers and model are those of the training', async () => {
      const site = await open(8);
      serve(site);
      const finished = await drive(site);
      expect(finished.code).toBe(0);
      const types = finished.stdout
        .split('\n')
        .flatMap((line) => /"type": ?"(\w+)"/.exec(line)?.[1] ?? []);
      expect(types.filter((type) => type === 'metrics')).toHaveLength(8);
      // Of its own log, and nothing about our looks at it.
      expect(finished.stdout + finished.stderr).toContain('Starting DEEPaaS');
      expect(finished.stdout + finished.stderr).not.toContain('/train/');
      const { metrics } = JSON.parse(
        await readFile(join(site.work, 'out/output.json'), 'utf8'),
      ) as { readonly metrics: { readonly testAccuracy: number } };
      expect(metrics.testAccuracy).toBeGreaterThan(0.8);
      expect(await readdir(join(site.work, 'out/model'))).not.toEqual([]);
    });

    test('refuses arguments with its own words, and code 2', async () => {
      const site = await open(0);
      serve(site);
      expect(await drive(site)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('epochs'),
      });
    });

    test('goes on with one training when the driver is killed in the middle', async () => {
      const site = await open(4);
      serve(site);
      const record = join(site.work, '.deepaas-training.json');
      const first = runDriver(site);
      await expect
        .poll(() => readFile(record, 'utf8').catch(() => ''), { timeout: 60_000 })
        .toContain('uuid');
      first.kill('SIGKILL');
      const { code } = await drive(site);
      expect(code).toBe(0);
      const route = `http://127.0.0.1:${site.port}/v2/models/${model}/train/`;
      expect(await (await fetch(route)).json()).toHaveLength(1);
    });

    test('that dies in the middle is told as that', async () => {
      const site = await open(10_000);
      const child = serve(site);
      const finished = await drive(site, (line) => {
        if (/"type": ?"metrics"/.test(line)) end(child);
      });
      expect(finished).toMatchObject({ code: 1, stderr: expect.stringMatching(/DEEPaaS/) });
      expect(await readdir(join(site.work, 'out'))).not.toContain('output.json');
    });

    test('has its training ended when the run is told to stop', async () => {
      const site = await open(10_000);
      serve(site);
      const finished = await drive(site, (line, stop) => {
        if (/"type": ?"metrics"/.test(line)) stop();
      });
      expect(finished.code).toBe(143);
      const route = `http://127.0.0.1:${site.port}/v2/models/${model}/train/`;
      expect(await (await fetch(route)).json()).toEqual([]);
    });

    test('is started by a command as well, and ends with it', async () => {
      const { work } = await open(3);
      const args = ['train', '--work', work, '--model', model, '--deepaas-command', deepaasRun()];
      const finished = await runModule(args);
      expect(finished.code).toBe(0);
      expect(await readdir(join(work, 'out'))).toContain('output.json');
    });
  });

  function runDriver({ work, port }: { readonly work: string; readonly port: number }) {
    const main = join(import.meta.dirname, '../../modules/runtime/main.ts');
    const args = [
      ...[main, 'train', '--work', work, '--deepaas', `http://127.0.0.1:${port}`],
      ...['--model', model, '--server-folder', join(work, '.deepaas')],
    ];
    return spawn(process.execPath, args, { stdio: 'ignore' });
  }
}

function end({ pid }: ChildProcess): void {
  try {
    process.kill(-(pid ?? 0), 'SIGKILL');
  } catch {
    // It ended, and what it started.
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
