import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isRecord } from '../runtime/arguments.ts';
import type { PythonModule } from './python-module.ts';

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

/** A DEEPaaS of our own, which ends with us. */
export class DeepaasServer {
  readonly port: number;
  /** Of the API, without a slash at the end. */
  readonly url: string;
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  #said = '';

  /**
   * Resolves when the model answers. Rejects with an Error when the server ended before that or serves another model, and
   * once `signal` is aborted; nothing of it is left then.
   */
  static async start(
    module: PythonModule,
    options: DeepaasOptions,
    signal: AbortSignal,
  ): Promise<DeepaasServer> {
    const port = options.port === 0 ? await freePort(options.host) : options.port;
    const server = new DeepaasServer(module, options, port);
    try {
      await server.#untilReady(module.model, signal);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  private constructor(module: PythonModule, options: DeepaasOptions, port: number) {
    const stream = options.output === 'keep' ? 'pipe' : 'inherit';
    this.#child = spawn(module.python, commandLine(module, options, port), {
      cwd: options.workFolder,
      env: {
        ...process.env,
        ...pythonEnvironment(module),
        // Rather than the option, which older versions do not know.
        DEEPAAS_V2_MODEL: module.model,
        ...options.environment,
      },
      // Its end of the first is how it sees that we are gone.
      stdio: ['pipe', stream, stream],
    });
    for (const output of [this.#child.stdout, this.#child.stderr]) {
      output?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-keptCharacters);
      });
    }
    this.#child.stdin?.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      this.#child.once('error', () => resolve(null));
      this.#child.once('exit', (code) => resolve(code));
    });
    this.port = port;
    const host = options.host === '0.0.0.0' ? '127.0.0.1' : options.host;
    this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}${options.basePath}`;
  }

  get hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#wasKilled;
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

  async #untilReady(model: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      if (this.hasEnded) {
        const lines = this.#said.trim().split('\n').slice(-5).join('\n');
        throw new Error(`DEEPaaS ended before it served ${model}.${lines && `\n${lines}`}`);
      }
      const names = await this.#models();
      if (names?.includes(model)) return;
      // With a model that cannot be loaded, some versions serve one of their own.
      if (names !== null) throw new Error(`DEEPaaS serves ${names.join(', ')}, not ${model}.`);
      await pause(100);
    }
  }

  async #models(): Promise<readonly string[] | null> {
    try {
      const answer = await fetch(`${this.url}/v2/models/`, { signal: AbortSignal.timeout(5000) });
      const body: unknown = await answer.json();
      const models: unknown = isRecord(body) ? body['models'] : null;
      if (!Array.isArray(models)) return null;
      return (models as readonly unknown[])
        .filter(isRecord)
        .flatMap(({ id, name }) => [String(id), String(name)]);
    } catch {
      return null;
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

const stopGraceMs = 5000;
const keptCharacters = 8192;

function commandLine(module: PythonModule, options: DeepaasOptions, port: number): string[] {
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

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
