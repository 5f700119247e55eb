import { chown, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import * as iris from '../../modules/data/iris.ts';
import { layOutWorkload } from '../../modules/runtime/lay-out-workload.ts';
import { moduleServerContract } from '../contract/module-server.contract.ts';
import type { RunningServer } from '../contract/module-process.ts';
import type { Backend } from '../../backends/contract/backend.ts';
import { createBackend } from '../../backends/registry.ts';
import { localSurroundings } from '../contract/backend/local-surroundings.ts';
import { imageProgram } from '../contract/backend/openwhisk-under-test.ts';
import { newKey, service, soon } from '../contract/backend/under-test.ts';
import { FakeOpenWhisk } from '../fakes/openwhisk/server.ts';
import { DockerContainers } from './docker-containers.ts';
import { DockerEngine } from './docker-engine.ts';
import { buildModuleImage } from './module-image.ts';
import { stockContainers } from './stock-containers.ts';

const module = 'tabular-classifier';
/** The user of the image. */
const user = 1000;
const features = { sepalLength: 5.1, sepalWidth: 3.5, petalLength: 1.4, petalWidth: 0.2 };

let engine: DockerEngine;
/** Its name in the registry, and as it was pulled from there. */
let tagged = '';
let image = '';

beforeAll(async () => {
  engine = await DockerEngine.start();
  tagged = `${engine.registry}/modules/${module}:1`;
  await buildModuleImage(engine, module, tagged);
  await engine.docker('push', tagged);
  const digest = await engine.docker('inspect', '--format', '{{index .RepoDigests 0}}', tagged);
  await engine.docker('rmi', '--force', await engine.docker('images', '--quiet', tagged));
  await engine.docker('pull', digest);
  image = digest;
  const size = Number(await engine.docker('inspect', '--format', '{{.Size}}', image));
  const version = await engine.docker('version', '--format', '{{.Server.Version}}');
  console.log(`Docker ${version}; image of ${Math.round(size / 1024 ** 2)} MiB, base included`);
}, 1_200_000);
afterAll(() => engine?.stop(), 60_000);

describe('an image of a module as a job', { timeout: 120_000 }, () => {
  test('it trains in the work folder that is mounted, tells its progress, and leaves its document', async () => {
    const work = await workFolder({ epochs: 20 });
    const said = await engine.docker('run', '--rm', ...mounted(work), image, ...train);
    const types = said.split('\n').map((line) => (JSON.parse(line) as { type: string }).type);
    expect(new Set(types)).toEqual(new Set(['phase', 'progress', 'metrics', 'checkpoint']));
    const output = JSON.parse(await readFile(join(work, 'out/output.json'), 'utf8')) as {
      metrics: { testAccuracy: number };
    };
    expect(output.metrics.testAccuracy).toBeGreaterThan(0.8);
    expect(await readdir(join(work, 'out/model'))).toContain('weights.bin');
  });

  test('what the person has to mend ends with code 2 and a sentence, without a document', async () => {
    const work = await workFolder({ epochs: -1 });
    const refused = await engine
      .docker('run', '--rm', ...mounted(work), image, ...train)
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('epochs') });
    expect(await readdir(join(work, 'out'))).not.toContain('output.json');
  });

  test('a run that is told to stop ends with 143, whole checkpoints and no document', async () => {
    const work = await workFolder({ epochs: 500, batchSize: 1 });
    const id = await engine.docker('run', '--detach', ...mounted(work), image, ...train);
    await eventually(async () => (await readdir(join(work, 'out/checkpoints'))).length > 0);
    await engine.docker('stop', '--time', '20', id);
    expect(await engine.docker('inspect', '--format', '{{.State.ExitCode}}', id)).toBe('143');
    expect(await readdir(join(work, 'out'))).not.toContain('output.json');
    await engine.docker('rm', id);
  });

  test('what it trained is served by the same image', async () => {
    const work = await workFolder({ epochs: 20 });
    await engine.docker('run', '--rm', ...mounted(work), image, ...train);
    const mount = `type=bind,source=${join(work, 'out/model')},target=/artifact,readonly`;
    const server = await serve('--mount', mount, image, ...[...listen, '--artifact', '/artifact']);
    onTestFinished(async () => void (await server.stop()));
    const answer = await fetch(`${server.url}/v2/models/${module}/predict/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ features }),
    });
    expect(await answer.json()).toMatchObject({ predictions: { labels: expect.any(Array) } });
  });

  test('it runs as nobody in particular, and brings nothing of the platform', async () => {
    const script = 'id -u; ls /fathom; ls /fathom/node_modules';
    const said = await engine.docker('run', '--rm', image, 'sh', '-c', script);
    const [uid, ...names] = said.split('\n');
    expect(uid).toBe(String(user));
    expect(names).toEqual(expect.arrayContaining(['modules', '@tensorflow', 'yaml']));
    expect(names).not.toEqual(expect.arrayContaining(['fastify']));
    expect(names).not.toEqual(expect.arrayContaining(['server']));
  });
});

describe('an image of a module as a server', () => {
  moduleServerContract(module, () => serve(image, ...[...listen, '--client-max-size', '100000']), {
    model: module,
    predict: { features: JSON.stringify(features), topK: '2' },
    invalid: { arguments: { topK: 'many' }, field: 'topK' },
    upload: null,
    train: { epochs: '1' },
    maxBody: 100_000,
  });
});

describe('an image of a module as an action of OpenWhisk', { timeout: 120_000 }, () => {
  let containers: DockerContainers;
  let platform: FakeOpenWhisk;
  let backend: Backend;
  let folder: string;

  beforeAll(async () => {
    containers = new DockerContainers(engine);
    platform = await FakeOpenWhisk.start({ factory: containers, poolMemoryMiB: 2048 });
    folder = await mkdtemp(join(tmpdir(), 'fathom-containers-'));
    const settings = { apiHost: platform.url, key: platform.key, timeoutSeconds: 30 };
    const surroundings = localSurroundings(join(folder, 'state'), folder, []);
    backend = await createBackend('openwhisk', 'functions', settings, surroundings);
  }, 60_000);
  afterAll(async () => {
    await backend?.close();
    await platform?.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  test('it is pulled, warmed by an empty call, and then predicts from the warm container', async () => {
    const { functions } = backend;
    if (functions === null) throw new Error('it has no functions');
    const program = imageProgram(module, tagged);
    const workload = service(program, {
      resources: { cpus: 1, memoryMiB: 512, gpus: null, timeLimitSeconds: 60 },
    });
    const handle = await functions.deploy(workload, { key: newKey(), signal: soon() });
    expect(containers.count).toBe(0);
    const [warmed] = await functions.warm(handle, 1, { deadline: Date.now() + 60_000 });
    expect(warmed).toMatchObject({ cold: true });
    expect(containers.pulls.length).toBeGreaterThan(0);
    await eventually(async () => containers.logsTaken === 1);
    const predict = {
      method: 'POST',
      path: `/v2/models/${module}/predict/`,
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ features })),
    } as const;
    const deadline = { deadline: Date.now() + 30_000 };
    const answer = await functions.invoke(handle, predict, deadline);
    if (answer.kind !== 'ANSWER') throw new Error('it answered with a ticket');
    expect(answer.start.cold).toBe(false);
    expect(containers.count).toBe(1);
    expect(JSON.parse(Buffer.from(answer.response.body).toString())).toMatchObject({
      status: 'OK',
      predictions: { labels: expect.arrayContaining(['setosa']) },
    });
    console.log(`pull ${Math.round(containers.pulls[0] ?? 0)} ms, init ${warmed?.initMs} ms`);
    await backend.release(handle);
  });
});

stockContainers(() => ({ engine, image }));

const train = ['fathom-module', 'train', '--work', '/work'];
const listen = ['fathom-module', 'serve', '--host', '0.0.0.0', '--port', '5000'];

/** Nothing but the work folder, no network and no privilege. */
function mounted(work: string): readonly string[] {
  const mount = `type=bind,source=${work},target=/work`;
  return [
    '--network',
    'none',
    '--cap-drop',
    'ALL',
    '--read-only',
    '--tmpfs',
    '/tmp',
    '--mount',
    mount,
  ];
}

async function serve(...argv: string[]): Promise<RunningServer> {
  const id = await engine.docker('run', '--detach', '--publish', '127.0.0.1:0:5000', ...argv);
  await eventually(async () => (await engine.docker('logs', id)).includes('"type":"listening"'));
  return {
    url: await engine.address(id, 5000),
    stop: async () => {
      await engine.docker('stop', id);
      const code = await engine.docker('inspect', '--format', '{{.State.ExitCode}}', id);
      await engine.docker('rm', id);
      return Number(code);
    },
  };
}

async function workFolder(given: Readonly<Record<string, unknown>>): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), 'fathom-container-work-'));
  onTestFinished(() => rm(work, { recursive: true, force: true }));
  const { examples, target } = iris;
  const data = { format: 'CSV', target, examples, files: await iris.files() } as const;
  await layOutWorkload(work, { module, arguments: given, seed: 1, data });
  for (const entry of ['', ...(await readdir(work, { recursive: true }))]) {
    await chown(join(work, entry), user, user);
  }
  return work;
}

async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (const limit = performance.now() + 60_000; !(await isSo().catch(() => false));) {
    if (performance.now() > limit) throw new Error('It never came to that.');
    await sleep(100);
  }
}
