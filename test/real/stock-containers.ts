import { chmod, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { JobWorkload } from '../../backends/contract/workload.ts';
import { parseSettings } from '../../backends/kubernetes/config.ts';
import type { V1Container, V1PodSpec } from '../../backends/kubernetes/native.ts';
import { translateJob, translateService } from '../../backends/kubernetes/translate.ts';
import * as iris from '../../modules/data/iris.ts';
import { layOutWorkload } from '../../modules/runtime/lay-out-workload.ts';
import { job, service, textOf } from '../contract/backend/under-test.ts';
import { expand } from '../fakes/kubernetes/expansion.ts';
import { Dock } from '../integration/launcher/dock.ts';
import type { DockerEngine } from './docker-engine.ts';
import { PythonEnvironment } from './python-environment.ts';
import { makeStockImage } from './stock-image.ts';

const model = 'iris_sklearn';
const flower = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };

/** The pods that our translation makes for a stock image, as containers of one network and one folder of a real engine. */
export function stockContainers(
  at: () => { readonly engine: DockerEngine; readonly image: string },
): void {
  describe('an image that has DEEPaaS and nothing of ours', { timeout: 300_000 }, () => {
    let environment: PythonEnvironment;
    let dock: Dock;
    let stock = '';

    beforeAll(async () => {
      environment = await PythonEnvironment.create();
      dock = await Dock.open({}, at().engine.host);
      stock = await makeStockImage(at().engine, environment);
      const size = Number(await at().engine.docker('inspect', '--format', '{{.Size}}', stock));
      console.log(`stock image of ${Math.round(size / 1024 ** 2)} MiB: ${environment.versions}`);
    }, 1_200_000);
    afterAll(async () => {
      await dock?.destroy();
      await environment?.remove();
    }, 60_000);

    const settings = () =>
      parseSettings({ deepaas: { image: at().image }, launcher: { image: at().image } });

    const source = () => ({ kind: 'IMAGE', image: stock, deepaas: { model } }) as const;

    const train = async (epochs: number, memoryMiB = 1000): Promise<Trained> => {
      const key = `stock ${process.pid} ${++count}`;
      const program = {
        kind: 'MODULE',
        module: { slug: 'iris', source: source() },
        operation: 'train',
      } as const;
      const resources = { cpus: 1, memoryMiB, gpus: null, timeLimitSeconds: 200 };
      const workload = job(program, { resources, inputs: await inputsOf(epochs) });
      const open = { lifetimeSeconds: 3600 };
      const delivery = await dock.deliveries.open(key, workload.inputs, open);
      const naming = { name: 'fathom-stock', key, delivery };
      const { job: made, belongings } = translateJob(workload, settings(), naming);
      const pod = new Pod(at().engine, made.spec?.template.spec, belongings.secret?.data ?? {});
      return { pod, key, ...(await pod.run()) };
    };

    test('has no Node, and nothing of ours', async () => {
      const script = 'command -v node npm fathom-module; ls /fathom; command -v deepaas-run';
      const said = await at().engine.docker('run', '--rm', stock, 'sh', '-c', `${script}; true`);
      expect(said).toBe('/usr/local/bin/deepaas-run');
    });

    test('is trained by two containers of a pod, and its lines, end and files come back', async () => {
      const { code, key } = await train(8);
      expect(code).toBe(0);
      const received = await dock.deliveries.received(key);
      expect(received.exit).toMatchObject({ cause: 'EXITED', code: 0 });
      const lines: string[] = [];
      for await (const chunk of received.logs?.(null) ?? []) {
        lines.push(...chunk.lines.map(({ text }) => text));
      }
      const all = lines.join('\n');
      expect(all).toContain('Starting DEEPaaS');
      expect(lines.filter((line) => /"type": ?"metrics"/.test(line))).toHaveLength(8);
      expect(all).not.toContain('/train/');
      const output = JSON.parse(await textOf(received.outputs, 'output.json')) as {
        readonly metrics: { readonly testAccuracy: number };
      };
      expect(output.metrics.testAccuracy).toBeGreaterThan(0.8);
      const paths = (await received.outputs.list('')).map(({ path }) => path);
      expect(paths.some((path) => path.startsWith('model/'))).toBe(true);
    });

    test('refuses arguments with its own words and code 2', async () => {
      const { code, key } = await train(0);
      expect(code).toBe(2);
      const { exit } = await dock.deliveries.received(key);
      expect(exit?.message).toContain('epochs');
    });

    test('over its memory is known by the engine as that, and is no success', async () => {
      const { code, pod } = await train(8, 90);
      expect(code).toBe(1);
      expect(await pod.isServerOutOfMemory()).toBe(true);
    });

    test('is served by its own command with what it was trained to', async () => {
      const { code, pod } = await train(8);
      expect(code).toBe(0);
      const program = {
        kind: 'MODULE',
        module: { slug: 'iris', source: source() },
        operation: 'serve',
      } as const;
      const workload = service(program, {
        artifactFolder: 'artifact',
        resources: { cpus: 1, memoryMiB: 1000, gpus: null, timeLimitSeconds: 60 },
      });
      const naming = { name: 'fathom-served', key: 'served', delivery: null };
      const { deployment } = translateService(workload, { ...settings(), launcher: null }, naming);
      const main = deployment.spec?.template.spec?.containers[0];
      const url = await pod.serve(main, '/fathom/services/fathom-served/work/artifact');
      const answer = await fetch(`${url}/v2/models/${model}/predict/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(flower),
      });
      expect(answer.status).toBe(200);
      expect(JSON.stringify(await answer.json())).toContain('setosa');
    });
  });
}

let count = 0;

interface Trained {
  readonly pod: Pod;
  readonly key: string;
  /** Of the program, which is the driver. */
  readonly code: number;
}

/** The two containers of a pod: one network, one folder, and the limits of each. */
class Pod {
  readonly #engine: DockerEngine;
  readonly #spec: V1PodSpec;
  readonly #secrets: Readonly<Record<string, string>>;
  #server = '';
  #folder = '';

  constructor(
    engine: DockerEngine,
    spec: V1PodSpec | undefined,
    secrets: Readonly<Record<string, string>>,
  ) {
    if (spec === undefined) throw new Error('There is no pod.');
    this.#engine = engine;
    this.#spec = spec;
    this.#secrets = secrets;
  }

  async run(): Promise<{ readonly code: number }> {
    const [server] = this.#spec.initContainers ?? [];
    const [main] = this.#spec.containers;
    this.#folder = await mkdtemp(join(tmpdir(), 'fathom-pod-'));
    onTestFinished(() => rm(this.#folder, { recursive: true, force: true }));
    // As the kubelet makes an empty folder.
    await chmod(this.#folder, 0o777);
    this.#server = await this.#start(server, []);
    const driver = await this.#start(main, ['--network', `container:${this.#server}`]);
    const code = Number(await this.#engine.docker('wait', driver));
    await this.#engine.docker('stop', '--time', '10', this.#server);
    onTestFinished(async () => {
      await this.#engine.docker('rm', '--force', this.#server, driver);
    });
    return { code };
  }

  async isServerOutOfMemory(): Promise<boolean> {
    const format = ['--format', '{{.State.OOMKilled}}'];
    return (await this.#engine.docker('inspect', ...format, this.#server)) === 'true';
  }

  /** Its model by a server, at `folder` of its container. */
  async serve(main: V1Container | undefined, folder: string): Promise<string> {
    const model = join(this.#folder, 'out/model');
    const more = ['--publish', '127.0.0.1:0:5000', '--mount', bind(model, folder)];
    const id = await this.#start(main, more, false);
    onTestFinished(async () => void (await this.#engine.docker('rm', '--force', id)));
    const url = await this.#engine.address(id, 5000);
    for (const limit = performance.now() + 120_000; ; await sleep(300)) {
      const answer = await fetch(`${url}/v2/models/`).catch(() => null);
      if (answer?.ok === true) return url;
      if (performance.now() > limit) throw new Error('The server never answered.');
    }
  }

  async #start(
    container: V1Container | undefined,
    more: readonly string[],
    isInPod = true,
  ): Promise<string> {
    const { image = '', command = [], env = [], workingDir, volumeMounts } = container ?? {};
    const values = Object.fromEntries(
      env.map(({ name, value, valueFrom }) => [
        name,
        value ??
          Buffer.from(this.#secrets[valueFrom?.secretKeyRef?.key ?? ''] ?? '', 'base64').toString(),
      ]),
    );
    const [entry = '', ...args] = command.map((word) => expand(word, {}));
    const memory = container?.resources?.limits?.['memory'] ?? '1Gi';
    const place = volumeMounts?.[0]?.mountPath ?? '';
    return this.#engine.docker(
      ...['run', '--detach', '--memory', memory.replace('i', '').toLowerCase(), ...more],
      ...Object.entries(values).flatMap(([name, value]) => [
        '--env',
        `${name}=${expand(value, {})}`,
      ]),
      ...(workingDir === undefined ? [] : ['--workdir', workingDir]),
      ...(isInPod ? ['--mount', bind(this.#folder, place)] : []),
      ...['--entrypoint', entry, image, ...args],
    );
  }
}

function bind(from: string, to: string): string {
  return `type=bind,source=${from},target=${to}`;
}

async function inputsOf(epochs: number): Promise<JobWorkload['inputs']> {
  const work = await mkdtemp(join(tmpdir(), 'fathom-stock-inputs-'));
  onTestFinished(() => rm(work, { recursive: true, force: true }));
  const { examples, target } = iris;
  const data = { format: 'CSV', target, examples, files: await iris.files() } as const;
  await layOutWorkload(work, { module: model, arguments: { epochs }, seed: 3, data });
  const entries = await readdir(work, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => {
        const path = join(parentPath, name);
        const text = await readFile(path, 'utf8');
        return { path: path.slice(work.length + 1), content: { kind: 'TEXT', text } as const };
      }),
  );
}
