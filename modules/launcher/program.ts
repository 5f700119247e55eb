import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { guardGroup } from './group-guard.ts';
import type { LineCutter, LogSpool } from './log-spool.ts';

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it never started; null when it did. */
  readonly error: string | null;
}

/** The program in a process group of its own, in the work folder. */
export class Program {
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  readonly #output: LineCutter;
  readonly #errors: LineCutter;
  #hasEnded = false;

  constructor(options: {
    readonly argv: readonly string[];
    readonly folder: string;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly spool: LogSpool;
    /** Whether its output is printed here as well. */
    readonly echo: boolean;
  }) {
    const [file = '', ...argv] = options.argv;
    this.#output = options.spool.source('STDOUT');
    this.#errors = options.spool.source('STDERR');
    this.#child = spawn(file, argv, {
      cwd: options.folder,
      env: options.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const { pid, stdout, stderr } = this.#child;
    const guard = pid === undefined ? null : guardGroup(pid);
    const drained = Promise.all([
      read(stdout, this.#output, options.echo ? process.stdout : null),
      read(stderr, this.#errors, options.echo ? process.stderr : null),
    ]);
    this.ended = this.#follow(drained).finally(() => guard?.stdin?.end('done\n'));
  }

  /** To the program and everything that it started in its group. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#hasEnded) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It ended at this moment.
    }
  }

  /** The last lines of standard error, or of standard output when there are none. */
  lastLines(): readonly string[] {
    const errors = this.#errors.lastLines(10);
    return errors.length > 0 ? errors : this.#output.lastLines(10);
  }

  async #follow(drained: Promise<unknown>): Promise<ProgramEnd> {
    const end = await exitOf(this.#child);
    // What it left in its group goes with it.
    this.signal('SIGKILL');
    this.#hasEnded = true;
    // Whoever still holds the pipe has left the group: it is not waited for.
    const stop = new AbortController();
    await Promise.race([
      drained,
      pause(2000, undefined, { signal: stop.signal }).catch(() => undefined),
    ]);
    stop.abort();
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    this.#output.finish();
    this.#errors.finish();
    return end;
  }
}

function exitOf(child: ChildProcess): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal, error: null }));
    child.once('error', (error) => {
      if (child.pid === undefined) resolve({ code: null, signal: null, error: error.message });
    });
  });
}

function read(
  stream: Readable | null,
  cutter: LineCutter,
  echo: NodeJS.WriteStream | null,
): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null) return resolve();
    stream.on('data', (chunk: Buffer) => {
      cutter.push(chunk);
      echo?.write(chunk);
    });
    stream.once('close', () => resolve());
    stream.once('error', () => resolve());
  });
}
