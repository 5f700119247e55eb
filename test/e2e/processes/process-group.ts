import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentClaim } from '../../../backends/local/control/claim.ts';
import { signalProcess } from '../../../backends/local/control/process-identity.ts';
import { ProcessTree } from '../../../backends/local/control/process-tree.ts';
import type { LaunchRecord } from '../../../backends/local/control/record.ts';
import { type Client, createClient } from '../../../codegen/client/client.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const longestStartMs = 60_000;

export const subgraphs = ['modules', 'datasets', 'training', 'deployments', 'inference'] as const;
const gateways = ['gateway', 'second-gateway'] as const;
export type GatewayName = (typeof gateways)[number];
export type SubgraphName = (typeof subgraphs)[number];

interface Member {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  said: string;
}

/** Subgraphs as processes on one state folder, each at a port of its own, and a gateway in front of them. */
export class ProcessGroup {
  readonly stateFolder: string;
  readonly #folder: string;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #members = new Map<string, Member>();
  readonly #clients: Client[] = [];

  private constructor(
    folder: string,
    ports: ReadonlyMap<string, number>,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#folder = folder;
    this.#environment = environment;
    this.stateFolder = join(folder, 'state');
    this.#ports = ports;
  }

  static async create(environment: Readonly<Record<string, string>> = {}): Promise<ProcessGroup> {
    const names = [...subgraphs, ...gateways, 'bytes', 'worker', 'second-worker'];
    const ports = await freePorts(names.length);
    const numbered = new Map(names.map((name, at) => [name, ports[at] ?? 0]));
    const folder = await mkdtemp(join(tmpdir(), 'fathom-processes-'));
    return new ProcessGroup(folder, numbered, environment);
  }

  pidOf(name: string): number {
    return this.#members.get(name)?.child.pid ?? 0;
  }

  /** Resolves when it serves. */
  async subgraph(name: SubgraphName): Promise<void> {
    this.launch(name, ['subgraph', `${name}=${this.#port(name)}`]);
    await this.untilHealth(name, () => true);
  }

  /** All five in one process, called `subgraphs`. */
  async allSubgraphs(): Promise<void> {
    this.launch('subgraphs', [
      'subgraph',
      ...subgraphs.map((name) => `${name}=${this.#port(name)}`),
    ]);
    const [first] = subgraphs;
    await this.untilHealth(first, () => true, 'subgraphs');
  }

  async worker(name: 'worker' | 'second-worker' = 'worker'): Promise<void> {
    this.launch(name, ['worker', `${this.#port(name)}`]);
    await this.untilHealth(name, () => true);
  }

  /** Resolves when it serves; gives its URL. */
  async gateway(more: readonly string[] = [], name: GatewayName = 'gateway'): Promise<string> {
    const flags = subgraphs.flatMap((name) => ['--subgraph', `${name}=${this.urlOf(name)}`]);
    return this.#gateway([...flags, ...more], name);
  }

  async gatewayOver(supergraph: string): Promise<string> {
    return this.#gateway(['--supergraph', supergraph], 'gateway');
  }

  urlOf(name: SubgraphName): string {
    return `${this.#url(name)}/graphql`;
  }

  /** Where a member listens. */
  at(name: string): string {
    return this.#url(name);
  }

  async #gateway(flags: readonly string[], name: GatewayName): Promise<string> {
    this.launch(name, ['gateway', ...flags]);
    await this.untilHealth(name, () => true);
    return `${this.#url(name)}/graphql`;
  }

  /** Stops it where it stands, or lets it go on: it is not told. */
  hold(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#members.get(name)?.child.kill(signal);
  }

  client(url: string): Client {
    const client = createClient({
      url,
      retry: { subscriptions: { initialMs: 50, maximumMs: 500, attempts: 200 } },
    });
    this.#clients.push(client);
    return client;
  }

  /** What it says at `/healthz`; null when it says nothing. */
  async health(name: string): Promise<Readonly<Record<string, unknown>> | null> {
    return fetch(`${this.#url(name)}/healthz`).then(
      async (response) => (await response.json()) as Readonly<Record<string, unknown>>,
      () => null,
    );
  }

  async untilHealth(
    name: string,
    isAsWanted: (health: Readonly<Record<string, unknown>>) => boolean,
    process = name,
  ): Promise<void> {
    const limit = performance.now() + longestStartMs;
    for (;;) {
      const health = await this.health(name);
      if (health !== null && isAsWanted(health)) return;
      const member = this.#members.get(process);
      const isOver = member === undefined || isGone(member.child);
      if (isOver || performance.now() > limit) {
        throw new Error(`${name} is not as wanted: ${JSON.stringify(health)}\n${member?.said}`);
      }
      await sleep(50);
    }
  }

  /** As when it crashes. */
  async kill(name: string): Promise<void> {
    await this.#end(name, 'SIGKILL');
  }

  /** As an operator does. */
  async stop(name: string): Promise<void> {
    await this.#end(name, 'SIGTERM');
  }

  /** Starts the program on the state folder with these arguments. */
  launch(name: string, args: readonly string[]): Member {
    const child = spawn(process.execPath, [join(root, 'server', 'launch.mjs'), ...args], {
      cwd: root,
      env: {
        ...process.env,
        FATHOM_STATE: this.stateFolder,
        FATHOM_PORT: `${this.#port(gateways.find((one) => one === name) ?? 'gateway')}`,
        FATHOM_DATA_PORT: `${this.#port('bytes')}`,
        FATHOM_SEED: 'off',
        ...this.#environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const member: Member = { child, ended, said: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (member.said += chunk.toString()));
    }
    this.#members.set(name, member);
    return member;
  }

  async remove(): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all([...this.#members.keys()].map((name) => this.#end(name, 'SIGTERM')));
    // A test that failed deleted no deployment, and what runs goes on without its server.
    await endSupervised(join(this.stateFolder, 'backends', 'local'));
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async #end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const member = this.#members.get(name);
    if (member === undefined) return;
    this.#members.delete(name);
    if (!isGone(member.child)) member.child.kill(signal);
    await member.ended;
  }

  #port(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`There is no port for ${name}.`);
    return port;
  }

  #url(name: string): string {
    return `http://127.0.0.1:${this.#port(name)}`;
  }
}

async function endSupervised(folder: string): Promise<void> {
  for (const kind of ['jobs', 'services']) {
    for (const name of await readdir(join(folder, kind)).catch(() => [])) {
      const one = join(folder, kind, name);
      const claim = currentClaim(one);
      if (claim?.alive === true && claim.holder !== null) signalProcess(claim.holder, 'SIGKILL');
      const record = JSON.parse(await readFile(join(one, 'record.json'), 'utf8')) as LaunchRecord;
      await new ProcessTree(null, record.mark).kill();
    }
  }
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/**
 * Free now, and below the range that the system takes ports from by itself: so no other test that asks for any port gets
 * one of these before its process listens.
 */
async function freePorts(count: number): Promise<readonly number[]> {
  const ports: number[] = [];
  for (let port = 15_000 + (process.pid % 1_000) * 15; ports.length < count; port += 1) {
    if (port > 32_000) throw new Error('There are no free ports.');
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
