import { spawn } from 'node:child_process';
import { BackendError } from '../../contract/error.ts';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const outputLimit = 256 * 1024 * 1024;

/**
 * Runs one program to its end, without a shell. Rejects with Unavailable when it cannot be started or takes too long
 * (it is killed then; what it asked for may still happen).
 */
export function run(
  argv: readonly string[],
  options: { readonly input: string; readonly timeoutMs: number; readonly operation: string },
): Promise<CommandResult> {
  const [file = '', ...rest] = argv;
  const failure = (message: string, cause?: unknown): BackendError =>
    new BackendError('Unavailable', options.operation, message, { cause });
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: ['pipe', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let bytes = 0;
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      // Something that it started may hold its pipes.
      child.stdout.destroy();
      child.stderr.destroy();
      reject(failure(`The command did not end within ${options.timeoutMs / 1000} s.`));
    }, options.timeoutMs);
    const keep = (pieces: Buffer[]) => (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= outputLimit) pieces.push(piece);
      else child.kill('SIGKILL');
    };
    child.stdout.on('data', keep(stdout));
    child.stderr.on('data', keep(stderr));
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(failure(`${file} cannot be started: ${error.message}`, error));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === null) return reject(failure(`${file} was ended by ${signal ?? 'a signal'}.`));
      const text = (pieces: Buffer[]): string => Buffer.concat(pieces).toString('utf8');
      resolve({ code, stdout: text(stdout), stderr: text(stderr) });
    });
    // It may end without reading.
    child.stdin.once('error', () => undefined);
    child.stdin.end(options.input);
  });
}
