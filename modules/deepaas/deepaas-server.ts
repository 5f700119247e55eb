import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { guardGroup } from '../launcher/group-guard.ts';
import type { PythonModule } from './python-module.ts';
import { withoutOurRequests } from './server-lines.ts';
import { modelsOf, type TrainingServer } from './training.ts';

export interface DeepaasOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly basePath: string;
  /** In bytes; 0 for no limit. */
  readonly clientMaxSize: number;
  readonly trainEndpoint: boolean;
  readonly predictEndpoint: boolean;
  readonly debugEndpoint: boolean;
  /** Whether the model is loaded before the port opens. */
  readonly warm: boolean;
  /** Where the server runs. */
  readonly workFolder: string;
  /** Beside our own environment. */
  readonly environment: { readonly [name: string]: string };
  /** `pass` gives what it prints to our own streams; `keep` keeps the last of it for the error message. */
  readonly output: 'pass' | 'keep';
}

/** How a server is started, and where it will answer. */
export interface Launch {
  readonly argv: readonly string[];
  /** Beside our own. */
  readonly environment: { readonly [name: string]: string };
  readonly workFolder: string;
  readonly output: DeepaasOptions['output'];
  readonly port: number;
  /** Of the API, without a slash at the end. */
  readonly url: string;
  /** Null takes the only model that it serves. */
  readonly model: string | null;
  /** Whether it leads a process group of its own and ends when its standard input does; otherwise that is seen to here. */
  readonly endsWithUs: boolean;
}

/** A DEEPaaS of our own, which ends with us. */
export class DeepaasServer implements TrainingServer {
  readonly port: number;
  readonly url: string;
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #model: string;
  #said = '';

  /**
   * Resolves when the model answers. Rejects with an Error when the server ended before that or serves another model, and
   * once `signal` is aborted; nothing of it is left then.
   */
  static async start(launch: Launch, signal: AbortSignal): Promise<DeepaasServer> {
    const server = new DeepaasServer(launch);
    try {
      await server.#untilReady(launch.model, signal);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  private constructor({ argv, workFolder, environment, output, ...launch }: Launch) {
    const [file = '', ...args] = argv;
    const stream = output === 'keep' || !launch.endsWithUs ? 'pipe' : 'inherit';
    this.#child = spawn(file, args, {
      cwd: workFolder,
      env: { ...process.env, ...environment },
      detached: !launch.endsWithUs,
      // Its end of the first is how it sees that we are gone.
      stdio: [launch.endsWithUs ? 'pipe' : 'ignore', stream, stream],
    });
    const { pid, stdin, stdout, stderr } = this.#child;
    if (output === 'keep') {
      for (const stream of [stdout, stderr]) {
        stream?.setEncoding('utf8').on('data', (text: string) => {
          this.#said = (this.#said + text).slice(-keptCharacters);
        });
      }
    } else {
      stdout?.pipe(process.stdout, { end: false });
      stderr?.pipe(withoutOurRequests()).pipe(process.stderr, { end: false });
    }
    stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(null));
      this.#child.once('exit', (code) => resolve(code));
    });
    if (pid !== undefined && !launch.endsWithUs) {
      const guard = guardGroup(pid);
      void this.ended.then(() => guard.stdin?.end('done\n'));
    }
    this.port = launch.port;
    this.url = launch.url;
    this.#model = launch.model ?? '';
  }

  get model(): string {
    return this.#model;
  }

  get hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#wasKilled;
  }

  async ending(): Promise<string | null> {
    return this.hasEnded ? 'DEEPaaS ended in the middle of the training.' : null;
  }

  /** Asks it to end, then ends it and its workers. Idempotent. */
  async stop(): Promise<void> {
    if (!this.hasEnded) {
      this.#child.kill('SIGTERM');
      const patience = new AbortController();
      await Promise.race([
        this.ended,
        pause(stopGraceMs, null, { signal: patience.signal }).catch(() => null),
      ]);
      patience.abort();
    }
    this.#killGroup();
    if (this.#child.pid !== undefined) await this.ended;
  }

  get #wasKilled(): boolean {
    return this.#child.signalCode !== null;
  }

  async #untilReady(model: string | null, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.hasEnded) {
        const lines = this.#said.trim().split('\n').slice(-5).join('\n');
        const what = model ?? 'its model';
        throw new Error(`DEEPaaS ended before it served ${what}.${lines && `\n${lines}`}`);
      }
      const models = await modelsOf(this.url);
      if (models !== null) {
        this.#model = servedModel(models, model);
        return;
      }
      await pause(100);
    }
  }

  #killGroup(): void {
    if (this.#child.pid === undefined) return;
    this.#child.kill('SIGKILL');
    try {
      // Its workers, also while they are busy.
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // None of it is left.
    }
  }
}

/** The name in the routes. Throws when the wanted one, or the only one, is not there. */
export function servedModel(models: readonly (readonly string[])[], wanted: string | null): string {
  const names = models.map(([name = '']) => name).join(', ') || 'nothing';
  if (wanted === null) {
    const [only, ...others] = models;
    if (only?.[0] !== undefined && others.length === 0) return only[0];
    throw new Error(`DEEPaaS serves ${names}: one of them has to be named.`);
  }
  if (models.some((model) => model.includes(wanted))) return wanted;
  // With a model that cannot be loaded, some versions serve one of their own.
  throw new Error(`DEEPaaS serves ${names}, not ${wanted}.`);
}

const stopGraceMs = 5000;
const keptCharacters = 8192;

/** The server of a module in Python, with the code of its folder. */
export async function pythonLaunch(module: PythonModule, options: DeepaasOptions): Promise<Launch> {
  const port = options.port === 0 ? await freePort(options.host) : options.port;
  const host = options.host === '0.0.0.0' ? '127.0.0.1' : options.host;
  return {
    argv: [module.python, ...commandLine(options, port)],
    environment: {
      ...pythonEnvironment(module),
      // Rather than the option, which older versions do not know.
      DEEPAAS_V2_MODEL: module.model,
      ...options.environment,
    },
    workFolder: options.workFolder,
    output: options.output,
    port,
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}${options.basePath}`,
    model: module.model,
    endsWithUs: true,
  };
}

function commandLine(options: DeepaasOptions, port: number): string[] {
  return [
    join(import.meta.dirname, 'guarded_server.py'),
    ...['--listen-ip', options.host, '--listen-port', String(port)],
    ...(options.basePath === '' ? [] : ['--base-path', options.basePath]),
    ...['--client-max-size', String(options.clientMaxSize)],
    ...(options.trainEndpoint ? [] : ['--notrain-endpoint']),
    ...(options.predictEndpoint ? [] : ['--nopredict-endpoint']),
    ...(options.debugEndpoint ? ['--debug-endpoint'] : []),
    ...(options.warm ? [] : ['--nowarm']),
  ];
}

/** The folder's own code goes before a copy that was installed with it: what runs is what the folder holds. */
export function pythonEnvironment(module: PythonModule): { readonly [name: string]: string } {
  const path = [module.folder, join(module.folder, 'src'), process.env['PYTHONPATH'] ?? ''];
  return {
    PYTHONPATH: path.filter((folder) => folder !== '').join(':'),
    PYTHONDONTWRITEBYTECODE: '1',
    PYTHONUNBUFFERED: '1',
  };
}

export async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
