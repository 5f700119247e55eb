import type { ChildProcess } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { appendFile, chmod, chown, mkdir, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { SlurmPorts } from './slurm-conf.ts';
import { cgroupConf, slurmConf } from './slurm-conf.ts';
import {
  accountingPackages,
  accountingPrograms,
  hasAccountingUser,
  prepareAccounting,
  slurmdbd,
} from './slurm-database.ts';

const packages = 'munge slurmctld slurmd slurmrestd slurm-client slurm-wlm-jwt-plugin';
const programs = [
  ...['munged', 'slurmctld', 'slurmd', 'slurmrestd'],
  ...['sbatch', 'squeue', 'scontrol', 'srun'],
];

/**
 * A private Slurm of this machine's packages: munge, one controller, two nodes with two devices each that pass for GPUs,
 * and slurmrestd. On loopback and sockets only, in one temporary folder; its processes are children of this one.
 */
export class RealSlurm {
  readonly folder: string;
  readonly version: string;
  readonly restUrl: string;
  readonly restSocket: string;
  readonly nodes: readonly [string, string];
  /** Whether jobs are confined by cgroups. */
  readonly confines: boolean;
  /** Whether there is an accounting. Then the controller forgets jobs as soon as it can. */
  readonly accounts: boolean;
  readonly #daemons = new Map<string, ChildProcess>();

  private constructor(parts: {
    readonly folder: string;
    readonly version: string;
    readonly restPort: number;
    readonly nodes: readonly [string, string];
    readonly confines: boolean;
    readonly accounts: boolean;
  }) {
    this.folder = parts.folder;
    this.version = parts.version;
    this.restUrl = `http://127.0.0.1:${parts.restPort}`;
    this.restSocket = `unix:${parts.folder}/rest/rest.sock`;
    this.nodes = parts.nodes;
    this.confines = parts.confines;
    this.accounts = parts.accounts;
  }

  /** Rejects with a sentence for a person when Slurm is not installed, or we may not start it. */
  static async start({ accounts = false } = {}): Promise<RealSlurm> {
    const needed = accounts ? [...programs, ...accountingPrograms] : programs;
    const missing = needed.filter((program) => !isInstalled(program));
    if (missing.length > 0) {
      const all = accounts ? `${packages} ${accountingPackages}` : packages;
      const command = `apt-get install -y --no-install-recommends ${all}`;
      throw new Error(`${missing.join(', ')} not found. On Debian: ${command}`);
    }
    if (process.getuid?.() !== 0) throw new Error('Slurm’s daemons are started as root only.');
    // Sockets have short paths, and munge wants every folder above its own to be open.
    const folder = await mkdtemp(join(tmpdir(), 'slurm-'));
    const [controller = 0, restPort = 0, accounting = 0, database = 0, ...ports] =
      await freePorts(6);
    const confines = hasCgroups();
    const { stdout } = await promisify(execFile)('slurmctld', ['-V']);
    const version = stdout.trim().split(' ').at(-1) ?? '';
    const nodes = [`fathom${controller}n1`, `fathom${controller}n2`] as const;
    const slurm = new RealSlurm({ folder, version, restPort, nodes, confines, accounts });
    try {
      await slurm.#prepare({ controller, nodes: ports, accounting, database });
      await slurm.#startAll();
      return slurm;
    } catch (error) {
      await slurm.stop();
      throw error;
    }
  }

  get keyFile(): string {
    return join(this.folder, 'jwt.key');
  }

  get environment(): { readonly SLURM_CONF: string } {
    return { SLURM_CONF: join(this.folder, 'slurm.conf') };
  }

  /** Everything that a user of the cluster can list. */
  async listing(): Promise<string> {
    const jobs = await this.command('scontrol', 'show', 'jobs');
    return jobs + (await this.command('squeue', '--all', '--states=all', '--format=%all'));
  }

  async command(file: string, ...argv: string[]): Promise<string> {
    const env = { ...process.env, ...this.environment };
    return (await promisify(execFile)(file, argv, { env })).stdout;
  }

  /** Stops the controller; jobs go on. */
  async stopController(): Promise<void> {
    await this.#end('slurmctld');
  }

  signalController(signal: NodeJS.Signals): void {
    this.#daemons.get('slurmctld')?.kill(signal);
  }

  async startController(): Promise<void> {
    this.#start('slurmctld', ['-D']);
    await this.#untilReady();
  }

  /** As after the loss of the controller's disk: it knows no job any more, and numbers begin anew. */
  async loseState(firstNumber = 1): Promise<void> {
    await this.#end('slurmctld');
    for (const node of this.nodes) await this.#end(node);
    for (const name of ['state', 'spool']) {
      await rm(join(this.folder, name), { recursive: true });
      await mkdir(join(this.folder, name));
    }
    await appendFile(join(this.folder, 'slurm.conf'), `FirstJobId=${firstNumber}\n`);
    this.#start('slurmctld', ['-D', '-c']);
    this.#startNodes();
    await this.#untilReady();
  }

  async stopAccounting(): Promise<void> {
    await this.#end('slurmdbd');
  }

  async startAccounting(): Promise<void> {
    this.#start(slurmdbd.name, slurmdbd.argv);
    await until('slurmdbd answers', () => this.#accountingAnswers());
  }

  async stop(): Promise<void> {
    await this.command('scancel', '--user=root').catch(() => '');
    const ours = ['slurmrestd', ...this.nodes, 'slurmctld', 'slurmdbd', 'mariadbd', 'munged'];
    for (const name of ours) await this.#end(name);
    for (const pid of this.#leftOver()) kill(pid);
    await sleep(100);
    for (const place of existsSync('/sys/fs/cgroup') ? readdirSync('/sys/fs/cgroup') : []) {
      for (const node of this.nodes) {
        await removeCgroup(join('/sys/fs/cgroup', place, `slurm_${node}`));
      }
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  async #prepare(ports: SlurmPorts): Promise<void> {
    const { folder } = this;
    await chmod(folder, 0o755);
    for (const name of ['run', 'log', 'state', 'spool', 'dev', 'rest', 'shared']) {
      await mkdir(join(folder, name), { mode: 0o755 });
    }
    await chown(join(folder, 'rest'), await idOf('-u', 'nobody'), await idOf('-g', 'nobody'));
    await writeFile(join(folder, 'munge.key'), randomBytes(128), { mode: 0o600 });
    await writeFile(this.keyFile, randomBytes(32), { mode: 0o600 });
    for (const gpu of [0, 1]) {
      // Copies of /dev/null: Slurm wants a device for each GPU.
      await promisify(execFile)('mknod', [join(folder, 'dev', `gpu${gpu}`), 'c', '1', '3']);
    }
    await writeFile(join(folder, 'gres.conf'), `Name=gpu Type=toy File=${folder}/dev/gpu[0-1]\n`);
    await writeFile(join(folder, 'cgroup.conf'), cgroupConf(this));
    const conf = slurmConf(this, ports);
    await writeFile(join(folder, 'slurm.conf'), conf);
    if (!this.accounts) return;
    const { name, argv } = await prepareAccounting(folder, ports);
    this.#start(name, argv);
    await until('the database listens', () => hasAccountingUser(folder));
  }

  async #startAll(): Promise<void> {
    const at = (name: string): string => join(this.folder, name);
    this.#start('munged', [
      '--foreground',
      `--socket=${at('run/munge.sock')}`,
      `--key-file=${at('munge.key')}`,
      `--log-file=${at('log/munged.log')}`,
      `--pid-file=${at('run/munged.pid')}`,
      `--seed-file=${at('run/munge.seed')}`,
    ]);
    await until('munge listens', () => Promise.resolve(existsSync(at('run/munge.sock'))));
    if (this.accounts) await this.startAccounting();
    this.#start('slurmctld', ['-D', '-c']);
    this.#startNodes();
    const plugins = await this.#restPlugins();
    const address = this.restUrl.slice('http://'.length);
    this.#start(
      'slurmrestd',
      [
        ...['-f', at('slurm.conf'), '-u', 'nobody', '-g', 'nogroup'],
        ...['-s', plugins, '-a', 'rest_auth/jwt', address, this.restSocket],
      ],
      { SLURM_JWT: 'daemon' },
    );
    await this.#untilReady();
    const isListening = (): Promise<boolean> =>
      fetch(`${this.restUrl}/openapi/v3`).then(
        ({ status }) => status === 401,
        () => false,
      );
    await until('slurmrestd listens', isListening);
  }

  /** Without naming them, those of the accounting end it where there is none. It refuses to run as root. */
  async #restPlugins(): Promise<string> {
    const asNobody = ['--reuid=nobody', '--regid=nogroup', '--clear-groups'];
    const argv = [...asNobody, 'slurmrestd', '-s', 'list'];
    const env = { ...process.env, ...this.environment };
    const { stdout, stderr } = await promisify(execFile)('setpriv', argv, { env });
    const all = (stdout + stderr).match(/openapi\/[\w.]+/g) ?? [];
    return all.filter((plugin) => this.accounts || !/\/(db|slurmdb)/.test(plugin)).join(',');
  }

  #accountingAnswers(): Promise<boolean> {
    const argv = ['--immediate', '--noheader', 'show', 'cluster'];
    return this.command('sacctmgr', ...argv).then(
      () => true,
      () => false,
    );
  }

  #untilReady(): Promise<void> {
    return until('the nodes are idle', async () => {
      const argv = ['--Node', '--noheader', '--format=%t'];
      const states = await this.command('sinfo', ...argv).catch(() => '');
      return (states.match(/^(idle|mix|alloc|comp)$/gm) ?? []).length === this.nodes.length;
    });
  }

  #startNodes(): void {
    for (const node of this.nodes) this.#start(node, ['-D', '-N', node], {}, 'slurmd');
  }

  #start(
    name: string,
    argv: readonly string[],
    more: Readonly<Record<string, string>> = {},
    program = name,
  ): void {
    const log = openSync(join(this.folder, 'log', `${name}.out`), 'a');
    const child = spawn(program, argv, {
      stdio: ['ignore', log, log],
      env: { PATH: process.env['PATH'], ...this.environment, ...more },
      // A terminal's interrupt goes to us; we end them in order.
      detached: true,
    });
    child.once('error', () => undefined);
    this.#daemons.set(name, child);
  }

  async #end(name: string): Promise<void> {
    const child = this.#daemons.get(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(8000)]);
    child.kill('SIGKILL');
    await ended;
  }

  /** Step daemons and programs that outlived their node carry the name of this cluster's configuration. */
  #leftOver(): readonly number[] {
    const mark = `SLURM_CONF=${this.environment.SLURM_CONF}\0`;
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid)
      .filter((pid) => {
        try {
          const environment = `${readFileSync(`/proc/${pid}/environ`, 'latin1')}\0`;
          const isStep = readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('slurmstepd');
          return environment.includes(mark) && (isStep || environment.includes('SLURM_JOB_ID='));
        } catch {
          return false;
        }
      });
  }
}

function isInstalled(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function freePorts(count: number): Promise<readonly number[]> {
  const take = async (): Promise<{ readonly port: number; close(): Promise<unknown> }> => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { port, close: () => new Promise((resolve) => server.close(resolve)) };
  };
  const taken = await Promise.all(Array.from({ length: count }, take));
  for (const one of taken) await one.close();
  return taken.map(({ port }) => port);
}

/** Limits of version 1, which this Slurm knows how to set. */
function hasCgroups(): boolean {
  return ['memory', 'freezer'].every((name) => {
    try {
      accessSync(`/sys/fs/cgroup/${name}/cgroup.procs`, constants.W_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Only folders that Slurm made and left empty of processes; deepest first. */
async function removeCgroup(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await removeCgroup(join(folder, entry.name));
  }
  await rmdir(folder).catch(() => undefined);
}

async function idOf(which: '-u' | '-g', user: string): Promise<number> {
  return Number((await promisify(execFile)('id', [which, user])).stdout);
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > limit) throw new Error(`it never came to this: ${what}`);
    await sleep(50);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone.
  }
}
