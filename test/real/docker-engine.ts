import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, constants, openSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Those of Debian's packages: a client of another version may stand before it on the path. */
const programs = {
  docker: '/usr/bin/docker',
  dockerd: '/usr/sbin/dockerd',
  ip: '/usr/sbin/ip',
  'docker-registry': '/usr/bin/docker-registry',
} as const;

/**
 * A container engine and a registry of this machine's packages, for one test: everything they keep is in one temporary
 * folder, containers meet on a bridge of their own, and nothing of the machine's firewall or forwarding is touched.
 */
export class DockerEngine {
  readonly folder: string;
  /** `127.0.0.1:PORT`, as it stands before the names of images. */
  readonly registry: string;
  /** Of this machine, as the containers see it. */
  readonly host: string;
  readonly #bridge: string;
  readonly #daemons: ChildProcess[] = [];

  private constructor(folder: string, bridge: string, registryPort: number) {
    this.folder = folder;
    this.registry = `127.0.0.1:${registryPort}`;
    this.#bridge = bridge;
    // Taken from a range that few use; 254 machines side by side may do this.
    this.host = `10.254.${process.pid % 254}.1`;
  }

  /** Rejects with a sentence for a person when something is missing, or we may not start it. */
  static async start(): Promise<DockerEngine> {
    const missing = Object.entries(programs).filter(([, path]) => !isProgram(path));
    if (missing.length > 0) {
      const names = missing.map(([name]) => name).join(', ');
      const command =
        'apt-get install -y --no-install-recommends docker.io docker-registry iproute2 debootstrap';
      throw new Error(`${names} not found. On Debian: ${command}`);
    }
    if (process.getuid?.() !== 0) throw new Error('A container engine is started as root only.');
    const folder = await mkdtemp(join(tmpdir(), 'fathom-docker-'));
    const engine = new DockerEngine(folder, `fathom${process.pid % 100_000}`, await freePort());
    try {
      await engine.#start();
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** The standard output of a docker command; rejects with an Error that has `code` and `stderr`. */
  async docker(...argv: string[]): Promise<string> {
    return (await this.both(...argv)).stdout.trim();
  }

  /** Both streams of a docker command. */
  async both(...argv: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
    return run(programs.docker, argv, this.#options);
  }

  /** A docker command that reads the archive that `producer` writes. */
  async dockerFrom(producer: readonly string[], ...argv: string[]): Promise<string> {
    const [file = '', ...rest] = producer;
    const source = spawn(file, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
    const child = spawn(programs.docker, argv, {
      ...this.#options,
      stdio: [source.stdout, 'pipe', 'pipe'],
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    }
    const code = await new Promise((resolve) => child.once('close', resolve));
    if (code !== 0) throw new Error(`docker ${argv[0]} ended with ${String(code)}: ${said}`);
    return said.trim();
  }

  /** Where a port of a container is on loopback. */
  async address(container: string, port: number): Promise<string> {
    return `http://${(await this.docker('port', container, String(port))).split('\n')[0]}`;
  }

  async stop(): Promise<void> {
    const containers = await this.docker('ps', '--all', '--quiet').catch(() => '');
    if (containers !== '') {
      await this.docker('rm', '--force', '--volumes', ...containers.split('\n')).catch(() => '');
    }
    for (const daemon of this.#daemons.toReversed()) await end(daemon);
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
    for (const mount of mounts.map((line) => line.split(' ')[1] ?? '').toReversed()) {
      if (mount.startsWith(`${this.folder}/`)) await run('umount', ['--lazy', mount]);
    }
    await run(programs.ip, ['link', 'delete', this.#bridge]).catch(() => undefined);
    for (const place of await readdir('/sys/fs/cgroup').catch(() => [])) {
      await rmdir(join('/sys/fs/cgroup', place, this.#bridge)).catch(() => undefined);
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  /** In which any client finds it. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      DOCKER_HOST: `unix://${join(this.folder, 'docker.sock')}`,
      DOCKER_CONFIG: join(this.folder, 'client'),
    };
  }

  get #options() {
    return { env: this.environment, maxBuffer: 64 * 1024 * 1024 };
  }

  async #start(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    await mkdir(at('registry'));
    await run(programs.ip, ['link', 'add', this.#bridge, 'type', 'bridge']);
    await run(programs.ip, ['address', 'add', `${this.host}/24`, 'dev', this.#bridge]);
    await run(programs.ip, ['link', 'set', this.#bridge, 'up']);
    this.#daemon(programs.dockerd, [
      ...['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('docker.pid')],
      ...['--host', `unix://${at('docker.sock')}`, '--bridge', this.#bridge],
      ...['--iptables=false', '--ip-forward=false', '--ip-masq=false'],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--cgroup-parent', `/${this.#bridge}`],
    ]);
    const storage = { filesystem: { rootdirectory: at('registry') } };
    const settings = { version: 0.1, storage, http: { addr: this.registry } };
    await writeFile(at('registry.yml'), JSON.stringify(settings));
    this.#daemon(programs['docker-registry'], ['serve', at('registry.yml')]);
    await until('the engine answers', () => this.docker('version'));
    await until('the registry answers', () => fetch(`http://${this.registry}/v2/`));
  }

  #daemon(path: string, argv: readonly string[]): void {
    const log = openSync(join(this.folder, 'daemons.log'), 'a');
    const child = spawn(path, argv, {
      stdio: ['ignore', log, log],
      detached: true,
    });
    child.once('error', () => undefined);
    this.#daemons.push(child);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended.finally(() => clearTimeout(timer));
}

async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
  for (const limit = performance.now() + 30_000; ; await sleep(100)) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > limit)
        throw new Error(`It never came to this: ${what}`, { cause: error });
    }
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
