import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { Handle, Program, ServiceWorkload } from '../../../backends/contract/workload.ts';
import { createBackend } from '../../../backends/registry.ts';
import { ProcessContainers } from '../../fakes/openwhisk/process-containers.ts';
import type { FakeOpenWhiskOptions } from '../../fakes/openwhisk/server.ts';
import { FakeOpenWhisk } from '../../fakes/openwhisk/server.ts';
import { Dock } from '../../integration/launcher/dock.ts';
import { openedFunctions } from './functions-under-test.ts';
import type { FunctionsUnderTest } from './functions-under-test.ts';
import { localSurroundings } from './local-surroundings.ts';

const root = resolve(import.meta.dirname, '../../..');
const fakes = join(root, 'test/fakes/openwhisk');

export interface OpenWhiskUnderTest extends FunctionsUnderTest {
  readonly fake: FakeOpenWhisk;
  readonly containers: ProcessContainers;
  readonly dock: Dock;
  readonly settings: object;
  again(settings?: object, withoutDeliveries?: boolean): Promise<Backend>;
  plain(): Program;
}

/** The backend on a platform that is a fake, whose containers are processes. */
export async function openOpenWhisk(
  settings: object = {},
  options: Partial<FakeOpenWhiskOptions> = {},
): Promise<OpenWhiskUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-openwhisk-'));
  const dock = await Dock.open();
  const runtime = [process.execPath, join(root, 'modules/runtime/main.ts'), 'openwhisk'];
  const listen = ['--host', '127.0.0.1', '--openwhisk-port', '0'];
  const scripted = ['--module', join(fakes, 'scripted-module'), ...listen];
  const containers = new ProcessContainers({
    'fake/scripted:1.0.0': { argv: [...runtime, ...scripted] },
    'fake/plain:1': { argv: [process.execPath, join(fakes, 'plain-action.mjs')] },
  });
  const fake = await FakeOpenWhisk.start({
    factory: containers,
    poolMemoryMiB: 8192,
    ...options,
    limits: { invocationsPerMinute: 600, ...options.limits },
  });
  const all = {
    apiHost: fake.url,
    key: fake.key,
    timeoutSeconds: 5,
    paceMs: 40,
    recordDelayMs: 2000,
    ...settings,
  };
  const again = (more: object = {}, withoutDeliveries = false): Promise<Backend> => {
    const deliveries = withoutDeliveries ? null : dock.deliveries;
    const surroundings = { ...localSurroundings(join(folder, 'state'), folder, []), deliveries };
    return createBackend('openwhisk', 'functions', { ...all, ...more }, surroundings);
  };
  const backend = await again();
  return {
    ...openedFunctions(backend, imageProgram('scripted', 'fake/scripted:1.0.0')),
    fake,
    containers,
    dock,
    settings: all,
    again,
    plain: () => imageProgram('plain', 'fake/plain:1'),
    deployElsewhere: (workload, key) => deployFromAnotherProcess(all, workload, key),
    blob: (path, content) => dock.blob(path, Buffer.from(content)),
    settled: async () => {
      while (fake.pool.states.includes('BUSY')) await new Promise((next) => setTimeout(next, 10));
    },
    listing: () => Promise.resolve(fake.listing()),
    destroy: async () => {
      await backend.close();
      await fake.close();
      await dock.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function imageProgram(slug: string, image: string): Program {
  const module = { slug, source: { kind: 'IMAGE', image } } as const;
  return { kind: 'MODULE', module, operation: 'serve' };
}

/** Runs `openwhisk-deploying-process.ts`, which deploys, prints the handle and ends. */
export async function deployFromAnotherProcess(
  settings: object,
  workload: ServiceWorkload,
  key: string,
): Promise<Handle> {
  const program = join(import.meta.dirname, 'openwhisk-deploying-process.ts');
  const child = spawn(process.execPath, [program], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify({ settings, workload, key }));
  let said = '';
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString('utf8')));
  const code = await new Promise((ended) => child.once('close', ended));
  if (said === '') throw new Error(`the deploying process ended with ${String(code)}`);
  return JSON.parse(said) as Handle;
}
