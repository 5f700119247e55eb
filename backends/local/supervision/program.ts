import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ProcessIdentity } from '../control/process-identity.ts';
import { identityOf } from '../control/process-identity.ts';
import { ProcessTree, markerVariable } from '../control/process-tree.ts';
import type { LogSource, LogWriter } from './log-writer.ts';

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it never started; null when it did. */
  readonly error: string | null;
}

/** One program in a session of its own, with everything that it starts. */
export class Program {
  readonly process: ProcessIdentity | null;
  readonly tree: ProcessTree;
  /** After the program ended, all that it left behind was killed and its last output was taken. */
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  readonly #output: LogSource;
  readonly #errors: LogSource;

  constructor(options: {
    readonly argv: readonly string[];
    readonly folder: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly mark: string;
    readonly log: LogWriter;
    readonly onLine?: (line: string) => void;
  }) {
    const [file = '', ...argv] = options.argv;
    this.#output = options.log.source('STDOUT', options.onLine);
    this.#errors = options.log.source('STDERR');
    this.#child = spawn(file, argv, {
      cwd: options.folder,
      env: { ...options.environment, [markerVariable]: options.mark },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const pid = this.#child.pid;
    this.process = pid === undefined ? null : identityOf(pid);
    this.tree = new ProcessTree(this.process, options.mark);
    const guard = pid === undefined ? null : guardGroup(pid);
    this.ended = this.#follow().finally(() => guard?.stdin?.end('done\n'));
  }

  /** The last lines of standard error, or of standard output when there are none. */
  lastLines(): readonly string[] {
    const errors = this.#errors.lastLines(10);
    return errors.length > 0 ? errors : this.#output.lastLines(10);
  }

  async #follow(): Promise<ProgramEnd> {
    const { stdout, stderr } = this.#child;
    const drained = [read(stdout, this.#output), read(stderr, this.#errors)];
    const end = await exitOf(this.#child);
    if (end.error === null) await this.tree.kill();
    // Whoever still holds the pipe is beyond our reach; do not wait for it.
    await Promise.race([Promise.all(drained), atMost(2000)]);
    stdout?.destroy();
    stderr?.destroy();
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

function read(stream: Readable | null, source: LogSource): Promise<void> {
  return new Promise((resolve) => {
    if (stream === null) return resolve();
    stream.on('data', (chunk: Buffer) => source.push(chunk));
    stream.once('close', () => resolve());
    stream.once('error', () => resolve());
  });
}

/**
 * A shell that waits on a pipe which only we hold: if we are killed, the pipe ends and it kills the
 * program's group, so that nothing goes on unseen. (A program that left its group is found by its
 * mark at the next look.)
 */
function guardGroup(pid: number): ChildProcess | null {
  const script = 'read -r word; test "$word" = done || kill -s KILL -- "-$0"';
  const guard = spawn('/bin/sh', ['-c', script, String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    cwd: '/',
    detached: true,
  });
  guard.once('error', () => undefined);
  guard.stdin.once('error', () => undefined);
  guard.unref();
  return guard;
}

/** Does not keep us alive when everything else is done. */
function atMost(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
