import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import Fastify, { type FastifyInstance } from 'fastify';
import type {
  Deliveries as BackendDeliveries,
  Delivery,
  Received,
} from '../../../backends/contract/delivery.ts';
import type { InputFile } from '../../../backends/contract/workload.ts';
import { dataPlane } from '../../../server/data-plane/data-plane.ts';
import { Deliveries } from '../../../server/data-plane/deliveries/deliveries.ts';
import type { DeliveryLimits } from '../../../server/data-plane/deliveries/limits.ts';
import { createLinks } from '../../../server/data-plane/links.ts';
import type { listenForSites } from '../../../server/site-listener.ts';
import type { BlobStore } from '../../../storage/contract/blob-store.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
export const dockSecret = Buffer.alloc(32, 5);
/** A data plane of which these tests use no upload. */
const noUploads = {} as Parameters<typeof dataPlane>[0]['datasets'];

/** Blobs and deliveries on a folder of their own, served on a port that stays the same. */
export class Dock {
  readonly folder: string;
  readonly #problems: string[] = [];
  readonly #limits: Partial<DeliveryLimits>;
  readonly #launched: Launched[] = [];
  readonly #sockets = new Set<Socket>();
  #app: FastifyInstance | null = null;
  #blobs: BlobStore | null = null;
  #desk: Deliveries | null = null;
  #port = 0;
  #later = 0;
  #works = 0;

  /** Where it listens, and is reached. */
  readonly #host: string;

  private constructor(folder: string, limits: Partial<DeliveryLimits>, host: string) {
    this.folder = folder;
    this.#host = host;
    this.#limits = limits;
  }

  static async open(limits: Partial<DeliveryLimits> = {}, host = '127.0.0.1'): Promise<Dock> {
    const dock = new Dock(await mkdtemp(join(tmpdir(), 'fathom-dock-')), limits, host);
    await Promise.all([dock.serve(), dock.#buildLauncher()]);
    return dock;
  }

  /** The launcher as it is delivered: one file. */
  get launcher(): string {
    return join(this.folder, 'launcher.mjs');
  }

  async #buildLauncher(): Promise<void> {
    await build({
      entryPoints: [join(root, 'modules', 'launcher', 'main.ts')],
      outfile: this.launcher,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
    });
  }

  get port(): number {
    return this.#port;
  }

  get deliveries(): BackendDeliveries {
    if (this.#desk === null) throw new Error('The dock is closed.');
    return this.#desk.forBackend('far');
  }

  /** As much of an installation as a further listener needs. */
  installation(): Parameters<typeof listenForSites>[1] {
    if (this.#blobs === null || this.#desk === null) throw new Error('The dock is closed.');
    const at = { blobs: this.#blobs } as Parameters<typeof listenForSites>[1]['at'];
    const link = { secret: dockSecret, ambient: this.#desk.ambient, lifetimeSeconds: 3600 };
    const links = createLinks({ ...link, baseUrl: () => '../..' });
    return { at, links, deliveries: { desk: this.#desk, links } };
  }

  /** Time goes by for the server. */
  wait(seconds: number): void {
    this.#later += seconds * 1000;
  }

  async serve(): Promise<void> {
    const ambient = { now: () => Date.now() + this.#later };
    const blobs = await openFileBlobStore({ folder: join(this.folder, 'storage') });
    const desk = new Deliveries({
      folder: join(this.folder, 'deliveries'),
      secret: dockSecret,
      baseUrl: () => (this.#port === 0 ? '' : `http://${this.#host}:${this.#port}`),
      ambient,
      limits: this.#limits,
    });
    const link = { secret: dockSecret, ambient, lifetimeSeconds: 3600 };
    const app = Fastify({ forceCloseConnections: true });
    await app.register(
      dataPlane({
        datasets: noUploads,
        blobs,
        links: createLinks({ ...link, baseUrl: () => '' }),
        deliveries: { desk, links: createLinks({ ...link, baseUrl: () => '../..' }) },
        log: (_level, message, more) => this.#problems.push(`${message} ${JSON.stringify(more)}`),
      }),
    );
    app.server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await app.listen({ port: this.#port, host: this.#host });
    this.#port = (app.server.address() as AddressInfo).port;
    [this.#app, this.#blobs, this.#desk] = [app, blobs, desk];
  }

  /** Every connection is cut in the middle and nobody listens any more; nothing is finished in good order. */
  async cutOff(): Promise<void> {
    const app = this.#app;
    this.#app = null;
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await app?.close();
    await this.#blobs?.close();
  }

  /** Cuts what is connected now, and goes on serving. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** An input, as a blob. */
  async blob(path: string, content: Uint8Array): Promise<InputFile> {
    const stored = await this.#blobs?.put(content);
    if (stored === undefined) throw new Error('The dock is closed.');
    return { path, content: { kind: 'BLOB', ...stored, url: null } };
  }

  opened(key: string, inputs: readonly InputFile[] = []): Promise<Delivery> {
    return this.deliveries.open(key, inputs, { lifetimeSeconds: 600 });
  }

  received(key: string): Promise<Received> {
    return this.deliveries.received(key);
  }

  async workFolder(): Promise<string> {
    const work = join(this.folder, 'sites', String(++this.#works));
    await mkdir(work, { recursive: true });
    return work;
  }

  launch(
    delivery: Delivery,
    work: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Launched {
    const launched = new Launched(this.launcher, delivery, work, args, environment);
    this.#launched.push(launched);
    return launched;
  }

  /** A POSIX shell script in a work folder, around it the launcher. */
  run(delivery: Delivery, work: string, script: string, options: readonly string[] = []): Launched {
    const quick = ['--sweep', '0.02', '--settle', '0.05', '--grace', '1', ...options];
    return this.launch(delivery, work, ['run', ...quick, '--', '/bin/sh', '-c', script]);
  }

  /** Rejects when the server was surprised by anything. */
  async destroy(): Promise<void> {
    await Promise.all(this.#launched.map((launched) => launched.kill()));
    if (this.#app !== null) await this.cutOff();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
    if (this.#problems.length > 0) throw new Error(this.#problems.join('\n'));
  }
}

/** A launcher in a process of its own. */
export class Launched {
  readonly process: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  output = '';
  errors = '';

  constructor(
    main: string,
    { url, token }: Delivery,
    work: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
  ) {
    // Sites have older ones: `FATHOM_LAUNCHER_NODE=/usr/bin/node` runs the same tests under that.
    const node = process.env['FATHOM_LAUNCHER_NODE'] ?? process.execPath;
    const child = spawn(node, [main, ...args], {
      cwd: work,
      env: {
        PATH: process.env['PATH'] ?? '',
        FATHOM_DELIVERY_URL: url,
        FATHOM_DELIVERY_TOKEN: token,
        FATHOM_WORK_FOLDER: work,
        GREETING: 'it is $(me) "here"',
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    this.process = child;
    this.ended = new Promise((done) => {
      child.once('close', (code, signal) => done({ code, signal }));
    });
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  /** Waits until it, or its program, said `text`. */
  async said(text: string): Promise<void> {
    await until(() => `${this.output}${this.errors}`.includes(text));
  }
}

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('It did not come to that.');
    await new Promise((next) => setTimeout(next, 10));
  }
}

export async function listed(received: Received): Promise<readonly string[]> {
  return (await received.outputs.list('')).map(({ path }) => path);
}

export async function contentOf(received: Received, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await received.outputs.read(path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function printed(
  received: Received,
): Promise<readonly { readonly stream: string; readonly text: string }[]> {
  const lines = [];
  for await (const chunk of received.logs?.(null) ?? []) lines.push(...chunk.lines);
  return lines.map(({ stream, text }) => ({ stream, text }));
}

export const sha256 = (content: Uint8Array): string =>
  createHash('sha256').update(content).digest('hex');
