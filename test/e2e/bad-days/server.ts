import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(new URL('.', import.meta.url)), '..', '..', '..');

const longestStopMs = 15_000;

export interface Answer {
  // What comes back is looked at by shape in each test.
  readonly data?: Readonly<Record<string, Answered>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly (string | number)[];
    readonly extensions: Readonly<Record<string, unknown>>;
  }[];
}
export interface Answered {
  readonly [field: string]: never;
}

/** A server as a person starts it, on a state folder of its own, and everything that it starts. */
export class Server {
  readonly folder: string;
  readonly #environment: Record<string, string>;
  readonly #own: boolean;
  #child: ChildProcess | null = null;
  #url = '';
  /** Everything that it said, of all its lives. */
  said = '';

  private constructor(folder: string, own: boolean, environment: Record<string, string>) {
    this.folder = folder;
    this.#own = own;
    this.#environment = environment;
  }

  /** `state`: a folder that somebody else removes. */
  static async start(
    options: {
      readonly modules?: string;
      readonly settings?: object;
      readonly state?: string;
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<Server> {
    const folder = options.state ?? (await mkdtemp(join(tmpdir(), 'fathom-bad-days-')));
    const config = join(folder, 'fathom.config.json');
    const settings = { stopGraceSeconds: 1, sampleMs: 50, ...options.settings };
    await writeFile(
      config,
      JSON.stringify({ backends: [{ name: 'local', type: 'local', settings }] }),
    );
    const server = new Server(folder, options.state === undefined, {
      FATHOM_CONFIG: config,
      FATHOM_SEED: 'off',
      ...(options.modules === undefined ? {} : { FATHOM_MODULES: options.modules }),
      ...options.environment,
    });
    await server.revive();
    return server;
  }

  get url(): string {
    return `${this.#url}/graphql`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get state(): string {
    return join(this.folder, 'state');
  }

  /** Starts the process; resolves when it says where it is. */
  async revive(): Promise<void> {
    const child = this.launch();
    this.#child = child;
    this.#url = await new Promise((resolve, reject) => {
      const from = this.said.length;
      const listen = (chunk: Buffer): void => {
        this.said += chunk.toString();
        const url = /GraphiQL\)\s+(http:\S+)\/graphql/u.exec(this.said.slice(from))?.[1];
        if (url !== undefined) resolve(url);
      };
      child.stdout?.on('data', listen);
      child.stderr?.on('data', listen);
      child.once('exit', (code) => reject(new Error(`ended with ${code}: ${this.said}`)));
    });
  }

  /** A further process on the same state folder. */
  launch(): ChildProcess {
    return spawn(process.execPath, [join(root, 'server', 'launch.mjs')], {
      cwd: root,
      env: { ...process.env, FATHOM_STATE: this.state, FATHOM_PORT: '0', ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Without a warning, as when the power goes. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, longestStopMs);
    await ended.finally(() => clearTimeout(timer));
    if (late) throw new Error('The server did not stop when it was asked to.');
  }

  /** Stops it, ends what it left and removes its folder. */
  async destroy(): Promise<void> {
    const stopped = this.stop();
    await stopped.catch(() => undefined);
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    if (this.#own) await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    await stopped;
  }

  /** What runs on behalf of this state folder, the server aside: by command, working folder and environment. */
  processes(): readonly { readonly pid: number; readonly command: string }[] {
    const found = [];
    for (const name of readdirSync('/proc')) {
      const pid = Number(name);
      if (!Number.isInteger(pid) || pid === this.pid || pid === process.pid) continue;
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        const environment = readFileSync(`/proc/${name}/environ`, 'utf8');
        const signs = [command, environment, readlinkSync(`/proc/${name}/cwd`)];
        if (signs.some((sign) => sign.includes(this.state))) found.push({ pid, command });
      } catch {
        // It ended while we looked.
      }
    }
    return found;
  }

  async post(
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const response = await fetch(this.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json',
        ...headers,
      },
      body,
    });
    return { status: response.status, text: await response.text() };
  }

  async ask(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const { text } = await this.post(JSON.stringify({ query, variables }));
    return JSON.parse(text) as Answer;
  }

  /** The one root field of an operation that has no errors. */
  async field<T>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const { data, errors } = await this.ask(query, variables);
    if (errors !== undefined) throw new Error(JSON.stringify(errors));
    return Object.values(data ?? {})[0] as T;
  }

  /** Calls `input` on a mutation and gives its payload. */
  async change<T>(mutation: string, type: string, input: object, selection: string): Promise<T> {
    const query = `mutation ($input: ${type}!) { ${mutation}(input: $input) { ${selection} userErrors { code message path } } }`;
    return await this.field<T>(query, { input });
  }
}

/** Reads until it fits; rejects with what was read last. Unlike `expect.poll` it works in tests that run side by side. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  fits: (value: T) => boolean,
  timeoutMs = 25_000,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (fits(value)) return value;
    if (performance.now() > end) throw new Error(`It stayed at ${JSON.stringify(value)}.`);
    await sleep(50);
  }
}

export interface UserError {
  readonly code: string;
  readonly message: string;
  readonly path: readonly string[];
}

export const sha256 = (bytes: string | Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** A data set of one small CSV; gives the id of its version. */
export async function bringData(server: Server): Promise<string> {
  const { dataset } = await server.change<{ dataset: { id: string } }>(
    'createDataset',
    'CreateDatasetInput',
    { name: 'numbers' },
    'dataset { id }',
  );
  const rows = Array.from({ length: 20 }, (_, at) => `${at},${at % 2 ? 'odd' : 'even'}`);
  const text = `size,kind\n${rows.join('\n')}\n`;
  const upload = await announce(server, dataset.id, 'numbers.csv', text);
  await fetch(upload.url, { method: 'PATCH', headers: partHeaders(0), body: text });
  const { datasetVersion, userErrors } = await server.change<{
    datasetVersion: { id: string } | null;
    userErrors: readonly UserError[];
  }>(
    'createDatasetVersion',
    'CreateDatasetVersionInput',
    { datasetId: dataset.id, format: 'CSV' },
    'datasetVersion { id }',
  );
  if (datasetVersion === null) throw new Error(JSON.stringify(userErrors));
  return datasetVersion.id;
}

export async function announce(
  server: Server,
  datasetId: string,
  path: string,
  content: string | Uint8Array,
): Promise<{ readonly id: string; readonly url: string }> {
  const bytes = Buffer.from(content);
  const { uploads } = await server.change<{ uploads: readonly { id: string; url: string }[] }>(
    'createUploads',
    'CreateUploadsInput',
    { datasetId, files: [{ path, bytes: bytes.length, sha256: sha256(bytes) }] },
    'uploads { id url }',
  );
  const [upload] = uploads;
  if (upload === undefined) throw new Error('Nothing was announced.');
  return upload;
}

export function partHeaders(offset: number): Record<string, string> {
  return {
    'content-type': 'application/offset+octet-stream',
    'tus-resumable': '1.0.0',
    'upload-offset': String(offset),
  };
}
