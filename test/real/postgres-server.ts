import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);

export interface PostgresServer {
  readonly url: string;
  /** `PostgreSQL 15.18 …`. */
  readonly version: string;
  /** The address of a new, empty schema in it, whose connections have its name as their application's. */
  schema(): Promise<string>;
  /** One statement as its owner. */
  execute(text: string): Promise<readonly Record<string, unknown>[]>;
  /** Null where the server is somebody else's, which is neither stopped nor slowed down. */
  readonly control: ServerControl | null;
  stop(): Promise<void>;
}

export interface ServerControl {
  /** As a crash: what was not synced is gone. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** The server at DATABASE_URL, or one of our own in a temporary folder, on a free port of the loopback. */
export async function openPostgresServer(): Promise<PostgresServer> {
  const given = process.env['DATABASE_URL'];
  if (given !== undefined && given !== '') return serverAt(given, null, async () => undefined);
  const bin = await binaries();
  const folder = await mkdtemp(join(tmpdir(), 'fathom-postgres-'));
  const owner = await unprivileged();
  const data = join(folder, 'data');
  const port = await freePort();
  if (owner !== null) await chown(folder, owner.uid, owner.gid);
  const as = owner === null ? {} : { uid: owner.uid, gid: owner.gid };
  await run(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'fathom', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...as, cwd: folder },
  );
  const url = `postgres://fathom@127.0.0.1:${port}/postgres`;
  const settings = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: folder,
    max_connections: 200,
    ...JSON.parse(process.env['FATHOM_POSTGRES_SETTINGS'] ?? '{}'),
  } as Record<string, string | number>;
  let child: ChildProcess | null = null;
  const control: ServerControl = {
    async kill() {
      const running = child;
      child = null;
      if (running === null) return;
      const ended = once(running, 'exit');
      running.kill('SIGQUIT');
      await ended;
    },
    async start() {
      const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      let said = '';
      child = spawn(join(bin, 'postgres'), ['-D', data, ...flags], {
        ...as,
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
      await untilItAnswers(url, child, () => said);
    },
  };
  try {
    await control.start();
    return await serverAt(url, control, async () => {
      await control.kill();
      await rm(folder, { recursive: true, force: true });
    });
  } catch (error) {
    await control.kill();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function serverAt(
  url: string,
  control: ServerControl | null,
  stop: () => Promise<void>,
): Promise<PostgresServer> {
  const made: string[] = [];
  const execute = async (text: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new Client(url);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(text)).rows;
    } finally {
      await client.end();
    }
  };
  const version = String((await execute('select version()'))[0]?.['version']);
  return {
    url,
    version,
    control,
    execute,
    async schema() {
      const name = `fathom_test_${process.pid}_${made.length + 1}`;
      await execute(`create schema ${name}`);
      made.push(name);
      const own = new URL(url);
      own.searchParams.set('options', `-c search_path=${name}`);
      own.searchParams.set('application_name', name);
      return own.href;
    },
    async stop() {
      if (control === null) {
        for (const name of made) await execute(`drop schema ${name} cascade`);
      }
      await stop();
    },
  };
}

async function untilItAnswers(url: string, child: ChildProcess, said: () => string): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended: ${said()}`);
    const client = new Client(url);
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`PostgreSQL does not answer: ${said()}`);
}

/** Where its programs are; Debian keeps most of them off the path. Installs them where we may. */
async function binaries(): Promise<string> {
  const found = await find();
  if (found !== null) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  const installed = await find();
  if (installed !== null) return installed;
  throw new Error('There is no PostgreSQL here: install it, or give the address in DATABASE_URL.');
}

async function find(): Promise<string | null> {
  const versions = await readdir('/usr/lib/postgresql').catch(() => []);
  const debian = versions
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => `/usr/lib/postgresql/${version}/bin`);
  const path = (process.env['PATH'] ?? '').split(delimiter);
  return [...debian, ...path].find((folder) => existsSync(join(folder, 'initdb'))) ?? null;
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ readonly uid: number; readonly gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = ['postgres', 'nobody']
    .map((name) => users.find(([known]) => known === name))
    .find((known) => known !== undefined);
  if (user === undefined) throw new Error('There is no user to run PostgreSQL as.');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('There is no free port.');
  return address.port;
}
