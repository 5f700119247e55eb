import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** A server under measurement, in a process of its own. */
export interface Server {
  readonly url: string;
  readonly output: () => string;
  /** Milliseconds of user and system time since its start. */
  cpuMs(): number;
  /** Resident memory in MiB. */
  rssMiB(): number;
  stop(): Promise<void>;
  /** Without a warning. */
  kill(): Promise<void>;
}

const startTimeoutMs = 120_000;

/** Our own server in one of its roles; its URL is that of its graph. */
export function fathom(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  ready?: RegExp,
): Promise<Server> {
  return start([join(root, 'server', 'launch.mjs'), ...args], env, ready);
}

/** Starts `argv` under this Node; it is ready when what it printed matches `ready`, whose group is its URL. */
export async function start(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  ready = /(https?:\/\/\S+)\s/,
): Promise<Server> {
  const child = spawn(process.execPath, argv, {
    cwd: root,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  const url = await until(
    child,
    () => ready.exec(output)?.[1],
    () => output,
  );
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(timer);
  };
  return {
    url,
    output: () => output,
    cpuMs: () => cpuMs(child.pid),
    rssMiB: () => rssMiB(child),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

async function until(
  child: ChildProcess,
  look: () => string | undefined,
  output: () => string,
): Promise<string> {
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`a server did not start:\n${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const ticksPerSecond = process.platform === 'linux' ? 100 : 0;

/** Milliseconds of user and system time of a process since its start. */
export function cpuMs(pid: number | undefined): number {
  if (ticksPerSecond > 0) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  }
  const text = execFileSync('ps', ['-o', 'cputime=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  return (
    text
      .trim()
      .split(':')
      .reduce((sum, part) => sum * 60 + Number(part), 0) * 1000
  );
}

function rssMiB(child: ChildProcess): number {
  const text = execFileSync('ps', ['-o', 'rss=', '-p', String(child.pid)], { encoding: 'utf8' });
  return Math.round(Number(text.trim()) / 1024);
}
