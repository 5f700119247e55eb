import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const main = resolve(import.meta.dirname, '../../modules/runtime/main.ts');

export function moduleFolder(name: string): string {
  return resolve(import.meta.dirname, '../../modules', name);
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command of the module runtime to its end. `watch` sees every line of standard output and
 * may stop the process.
 */
export async function runModule(
  args: readonly string[],
  watch: (line: string, stop: () => void) => void = () => {},
): Promise<Finished> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    for (let end = stdout.indexOf('\n', seen); end >= 0; end = stdout.indexOf('\n', seen)) {
      const line = stdout.slice(seen, end);
      seen = end + 1;
      watch(line, () => child.kill('SIGTERM'));
    }
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, stdout, stderr };
}

export interface RunningServer {
  readonly url: string;
  /** Asks the server to end and answers its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a module's server and waits for the line that says its port. */
export async function startModuleServer(
  module: string,
  options: readonly string[] = [],
): Promise<RunningServer> {
  const args = [main, 'serve', '--module', moduleFolder(module), ...options];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const port = await new Promise<number>((found, failed) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      // A module may print lines of its own before.
      const line = /^\{"type":"listening".*\}$/m.exec(text)?.[0];
      if (line !== undefined) found((JSON.parse(line) as { port: number }).port);
    });
    child.once('close', () => failed(new Error(`The server ended: ${stderr}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      const [code] = await closed;
      return code;
    },
  };
}
