import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Client, createClient } from '../../../codegen/client/client.ts';
import { type ServerProcess, startServer } from '../../../server/demo/server-process.ts';
import { ProcessContainers } from '../../fakes/openwhisk/process-containers.ts';
import { FakeOpenWhisk } from '../../fakes/openwhisk/server.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
export const image = 'registry.test/flowers:1.0.0';

/** A server whose configuration names a local backend and an OpenWhisk, whose containers are processes. */
export class FunctionInstallation {
  readonly openwhisk: FakeOpenWhisk;
  server: ServerProcess;
  readonly #folder: string;
  readonly #clients: Client[] = [];

  private constructor(folder: string, openwhisk: FakeOpenWhisk, server: ServerProcess) {
    this.#folder = folder;
    this.openwhisk = openwhisk;
    this.server = server;
  }

  static async create(): Promise<FunctionInstallation> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-functions-'));
    const module = await writeModule(folder);
    const runtime = [process.execPath, join(root, 'modules/runtime/main.ts'), 'openwhisk'];
    const listen = ['--host', '127.0.0.1', '--openwhisk-port', '0'];
    const factory = new ProcessContainers({
      [image]: { argv: [...runtime, '--module', module, ...listen] },
    });
    const openwhisk = await FakeOpenWhisk.start({ factory, poolMemoryMiB: 4096 });
    const settings = { apiHost: openwhisk.url, key: openwhisk.key };
    const backends = [
      { name: 'local', type: 'local' },
      { name: 'openwhisk', type: 'openwhisk', settings },
    ];
    await writeFile(join(folder, 'fathom.config.json'), JSON.stringify({ backends }));
    return new FunctionInstallation(folder, openwhisk, await start(folder, 0));
  }

  /** As after a power cut of the server; what OpenWhisk has goes on. */
  async restart(): Promise<void> {
    const { port } = new URL(this.server.url);
    this.server.child.kill('SIGKILL');
    await this.server.ended;
    this.server = await start(this.#folder, Number(port));
  }

  client(): Client {
    const client = createClient({ url: `${this.server.url}/graphql` });
    this.#clients.push(client);
    return client;
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop();
    await this.openwhisk.close();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

function start(folder: string, port: number): Promise<ServerProcess> {
  const environment = {
    ...process.env,
    FATHOM_SEED: 'off',
    FATHOM_MODULES: join(folder, 'modules'),
    FATHOM_CONFIG: join(folder, 'fathom.config.json'),
  };
  return startServer({ root, stateFolder: join(folder, 'state'), port, environment });
}

/** The table classifier under a name of its own, with metadata that name an image. */
async function writeModule(folder: string): Promise<string> {
  const path = join(folder, 'modules', 'flowers');
  await mkdir(path, { recursive: true });
  const original = join(root, 'modules/tabular-classifier');
  await cp(join(original, 'weights'), join(path, 'weights'), { recursive: true });
  const code = join(original, 'module.ts');
  await writeFile(join(path, 'module.ts'), `export { module } from ${JSON.stringify(code)};\n`);
  const metadata = {
    title: 'Flowers',
    summary: 'Tells three species of iris apart.',
    description: ['For a test.'],
    keywords: ['pre-trained', 'trainable', 'inference'],
    license: 'Apache-2.0',
    date_creation: '2026-11-22',
    sources: {
      dockerfile_repo: 'https://example.test/flowers',
      docker_registry_repo: image,
      code: 'https://example.test/flowers',
    },
  };
  await writeFile(join(path, 'metadata.json'), JSON.stringify(metadata));
  return path;
}
