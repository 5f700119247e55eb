import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Client, createClient } from '../../../codegen/client/client.ts';
import { type ServerProcess, startServer } from '../../../server/demo/server-process.ts';

/** The one module of the catalogue. */
export const slug = 'flowers';

const root = resolve(import.meta.dirname, '..', '..', '..');

/** An OpenWhisk, and how it is reached. */
export interface FunctionPlatform {
  /** Of the backend. */
  readonly settings: object;
  /** It serves the module. */
  readonly image: string;
  /** The address where its containers fetch files; null: they reach the server itself. */
  readonly sites: { readonly host: string; readonly port: number } | null;
  /** The names of all actions. */
  actions(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** A server whose configuration names a local backend and an OpenWhisk. */
export class FunctionInstallation {
  readonly platform: FunctionPlatform;
  server: ServerProcess;
  readonly #folder: string;
  readonly #clients: Client[] = [];

  private constructor(folder: string, platform: FunctionPlatform, server: ServerProcess) {
    this.#folder = folder;
    this.platform = platform;
    this.server = server;
  }

  /** `open` is given the folder of the module that the image is to serve. */
  static async create(
    open: (module: string) => Promise<FunctionPlatform>,
  ): Promise<FunctionInstallation> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-functions-'));
    let platform: FunctionPlatform | null = null;
    try {
      platform = await open(join(folder, 'modules', slug));
      await writeModule(folder, platform.image);
      await writeConfiguration(folder, platform);
      return new FunctionInstallation(folder, platform, await start(folder, 0));
    } catch (error) {
      await platform?.close();
      await removeFolder(folder);
      throw error;
    }
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
    await this.platform.close();
    await removeFolder(this.#folder);
  }
}

async function writeConfiguration(
  folder: string,
  { settings, sites }: FunctionPlatform,
): Promise<void> {
  const backends = [
    { name: 'local', type: 'local' },
    { name: 'openwhisk', type: 'openwhisk', settings },
  ];
  const more = sites === null ? {} : { dataPlane: { sites } };
  await writeFile(join(folder, 'fathom.config.json'), JSON.stringify({ backends, ...more }));
}

function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
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
async function writeModule(folder: string, image: string): Promise<void> {
  const path = join(folder, 'modules', slug);
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
}
