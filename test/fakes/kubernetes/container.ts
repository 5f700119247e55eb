import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';

export interface ContainerSpec {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly memoryMiB: number;
}

export interface ContainerEnd {
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  readonly started: boolean;
}

export interface LogLine {
  /** Nanoseconds since the epoch. */
  readonly at: bigint;
  readonly stream: 'Stdout' | 'Stderr';
  readonly bytes: Buffer;
  readonly isWhole: boolean;
}

const newline = 10;
/** A clock that never goes back. */
const epochNanoseconds = BigInt(Date.now()) * 1_000_000n;
const startNanoseconds = process.hrtime.bigint();

/** The command of a container as a process of this machine, in a process group of its own. */
export class Container {
  readonly log: LogLine[] = [];
  readonly ended: Promise<ContainerEnd>;
  /** Where the program said it listens. */
  port: number | null = null;
  onListening: () => void = () => undefined;
  readonly #child: ChildProcess;
  readonly #memoryMiB: number;
  #isOutOfMemory = false;

  constructor({ command, environment, folder, memoryMiB }: ContainerSpec) {
    const [program = '', ...args] = command;
    const env = { PATH: process.env['PATH'] ?? '', ...environment };
    this.#memoryMiB = memoryMiB;
    this.#child = spawn(program, args, {
      cwd: folder,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const watching = setInterval(() => this.#measure(), 50);
    this.ended = new Promise((resolve) => {
      let failure: string | null = null;
      this.#child.once('error', (error) => {
        failure = error.message;
        clearInterval(watching);
        resolve(neverStarted(program, failure));
      });
      // The first process of a container takes all others with it.
      this.#child.once('exit', () => this.kill());
      this.#child.once('close', (code, signal) => {
        clearInterval(watching);
        if (failure === null) resolve(this.#end(code, signal));
      });
    });
    this.#read('Stdout');
    this.#read('Stderr');
  }

  signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // All of it ended.
    }
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  #read(stream: LogLine['stream']): void {
    const source = stream === 'Stdout' ? this.#child.stdout : this.#child.stderr;
    let rest = Buffer.alloc(0);
    source?.on('data', (piece: Buffer) => {
      rest = Buffer.concat([rest, piece]);
      for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
        this.#keep(stream, rest.subarray(0, end), true);
        rest = rest.subarray(end + 1);
      }
    });
    source?.on('end', () => {
      if (rest.length > 0) this.#keep(stream, rest, false);
    });
  }

  #keep(stream: LogLine['stream'], bytes: Buffer, isWhole: boolean): void {
    const at = epochNanoseconds - startNanoseconds + process.hrtime.bigint();
    this.log.push({ at, stream, bytes: Buffer.from(bytes), isWhole });
    const port = /^\{"type":"listening","port":(\d+)/.exec(bytes.toString('utf8'))?.[1];
    if (port !== undefined) this.listensAt(Number(port));
  }

  listensAt(port: number): void {
    this.port = port;
    this.onListening();
  }

  #measure(): void {
    try {
      const large = family(this.#child.pid ?? 0).filter(
        (pid) => residentKilobytes(pid) / 1024 > this.#memoryMiB,
      );
      if (large.length === 0) return;
      this.#isOutOfMemory = true;
      for (const pid of large) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended, or this is no Linux.
    }
  }

  #end(code: number | null, signal: NodeJS.Signals | null): ContainerEnd {
    const exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
    const reason = this.#isOutOfMemory ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
    // terminationMessagePolicy FallbackToLogsOnError: the last 80 lines or 2048 bytes.
    const tail = this.log.slice(-80).map(({ bytes }) => bytes.toString('utf8'));
    const message = exitCode === 0 ? '' : `${tail.join('\n')}\n`.slice(-2048);
    return { exitCode, reason, message, started: true };
  }
}

/** A process and all that it started. */
function family(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return [pid, ...children.filter((one) => one !== '').flatMap((one) => family(Number(one)))];
}

function residentKilobytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
}

function neverStarted(program: string, why: string): ContainerEnd {
  const message = `failed to create containerd task: exec: ${JSON.stringify(program)}: ${why}`;
  return { exitCode: 128, reason: 'StartError', message, started: false };
}
