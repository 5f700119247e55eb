import { type ChildProcess, spawn } from 'node:child_process';

export interface ServerRequest {
  /** Of the project: there lies the launcher. */
  readonly root: string;
  readonly stateFolder: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** What the server inherits. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface ServerProcess {
  /** Of the server, without a path. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when the process has ended, by itself or otherwise. */
  readonly ended: Promise<void>;
  /** In good order; after 20 seconds by force. */
  stop(): Promise<void>;
}

const longestStartMs = 120_000;
const longestStopMs = 20_000;

/** Starts a server as a person would and resolves when it says where it is; rejects with its last words. */
export async function startServer(request: ServerRequest): Promise<ServerProcess> {
  const child = spawn(process.execPath, ['server/launch.mjs'], {
    cwd: request.root,
    env: {
      ...request.environment,
      FATHOM_STATE: request.stateFolder,
      FATHOM_PORT: String(request.port),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own group: an interrupt at the terminal is for us, who then stop it in good order.
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), longestStopMs);
    await ended.finally(() => clearTimeout(timer));
  };
  try {
    return { url: await address(child), child, ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function address(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let words = '';
    const timer = setTimeout(() => fail('said nothing of an address'), longestStartMs);
    const fail = (what: string): void => {
      clearTimeout(timer);
      const tail = words.trim().split('\n').slice(-5).join('\n');
      reject(new Error(`The server ${what}. Its last words: ${tail === '' ? 'none' : tail}`));
    };
    const listen = (chunk: Buffer): void => {
      words = (words + chunk.toString()).slice(-10_000);
      const url = /https?:\/\/[^\s/]+(?=\/graphql)/.exec(words)?.[0];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', (error) => fail(`does not start: ${error.message}`));
    child.once('exit', (code, signal) => fail(`ended with ${signal ?? code}`));
  });
}
