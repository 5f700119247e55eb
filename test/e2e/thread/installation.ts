import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Client, createClient } from '../../../codegen/client/client.ts';
import { accepted } from '../../../codegen/client/errors.ts';
import {
  CreateDatasetDocument,
  CreateDatasetVersionDocument,
  CreateUploadsDocument,
  type DataFormat,
  SearchCatalogueDocument,
} from '../../../codegen/client/generated/graphql.ts';
import { type ServerProcess, startServer } from '../../../server/demo/server-process.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');

/** A state folder of its own, and the servers that were started on it, one after another. */
export class Installation {
  readonly stateFolder: string;
  readonly #folder: string;
  readonly #servers: ServerProcess[] = [];
  readonly #clients: Client[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.stateFolder = join(folder, 'state');
  }

  static async create(): Promise<Installation> {
    return new Installation(await mkdtemp(join(tmpdir(), 'fathom-thread-')));
  }

  async start(port = 0): Promise<ServerProcess> {
    const environment = { ...process.env, FATHOM_SEED: 'off' };
    const server = await startServer({ root, stateFolder: this.stateFolder, port, environment });
    this.#servers.push(server);
    return server;
  }

  client(url: string, transport: 'ws' | 'sse' = 'ws'): Client {
    const client = createClient({
      url: `${url}/graphql`,
      transport,
      retry: { subscriptions: { initialMs: 50, maximumMs: 500, attempts: 200 } },
    });
    this.#clients.push(client);
    return client;
  }

  /** Contents of every control file of that name, of the jobs or of the services of the local backend. */
  async nativeFiles(kind: 'jobs' | 'services', name: string): Promise<readonly unknown[]> {
    const folder = join(this.stateFolder, 'backends', 'local', kind);
    const texts = (await readdir(folder)).map((entry) =>
      readFile(join(folder, entry, name), 'utf8').catch(() => null),
    );
    return (await Promise.all(texts)).flatMap((text) => (text === null ? [] : [JSON.parse(text)]));
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const server of this.#servers) await server.stop();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** The id of the newest version of a module. */
export async function moduleVersionOf(client: Client, slug: string): Promise<string> {
  const { modules } = await client.run(SearchCatalogueDocument, { search: slug });
  const id = modules.nodes.find((node) => node.slug === slug)?.latestVersion?.id;
  if (id === undefined) throw new Error(`There is no module ${slug}.`);
  return id;
}

/** Registers, uploads and fixes files as a version. */
export async function bring(
  client: Client,
  name: string,
  format: DataFormat,
  files: readonly { readonly path: string; readonly bytes: Uint8Array }[],
) {
  const { createDataset } = await client.run(CreateDatasetDocument, { input: { name } });
  const datasetId = accepted(createDataset, 'dataset').id;
  const announced = files.map(({ path, bytes }) => ({
    path,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const input = { datasetId, files: announced };
  const { createUploads } = await client.run(CreateUploadsDocument, { input });
  for (const [index, { url }] of accepted(createUploads, 'uploads').entries()) {
    await client.upload(url ?? '', files[index]?.bytes ?? new Uint8Array());
  }
  const { createDatasetVersion } = await client.run(CreateDatasetVersionDocument, {
    input: { datasetId, format },
  });
  return accepted(createDatasetVersion, 'datasetVersion');
}
