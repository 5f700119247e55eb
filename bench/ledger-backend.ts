import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import type { Backend } from '../backends/contract/backend.ts';
import { noCapabilities } from '../backends/contract/backend.ts';
import { defineBackend } from '../backends/contract/definition.ts';
import { BackendError } from '../backends/contract/error.ts';
import type { JobRunner, JobStatus } from '../backends/contract/job-runner.ts';
import type { Handle } from '../backends/contract/workload.ts';
import type { LedgerChanges, LedgerJob } from './ledger-process.ts';

interface Settings {
  readonly url: string;
}

const pollMs = 500;

/** Jobs of `ledger-process.ts`. One question tells of all of them, as it does on Slurm. */
export const ledger = defineBackend<Settings>({
  type: 'ledger',
  parse: (settings) => settings as Settings,
  create: async (name, { url }) => new LedgerBackend(name, url),
});

class LedgerBackend implements Backend {
  readonly name: string;
  readonly type = 'ledger';
  readonly capabilities = Object.freeze({ ...noCapabilities, processes: true });
  readonly services = null;
  readonly functions = null;
  readonly #url: string;
  readonly #agent = new Agent({ connections: 32 });
  readonly #jobs = new Map<string, LedgerJob>();
  readonly #looked = new Set<string>();
  readonly #stop = new AbortController();
  #version = 0;
  #listed: Promise<void> | null = null;

  constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
  }

  readonly jobs: JobRunner = {
    submit: async (workload, { key }) => {
      await this.#list();
      await this.#ask('POST', '/submit', { key, run: workload.environment['FATHOM_RUN_ID'] });
      const now = Date.now();
      if (!this.#jobs.has(key)) this.#jobs.set(key, [key, 'RUNNING', now, null]);
      return { backend: this.name, version: 1, native: { key } };
    },
    inspect: async (handle) => {
      await this.#list();
      const status = this.#status(handle);
      if (status === null) throw new BackendError('NotFound', 'inspect', 'No such job.');
      return status;
    },
    inspectMany: async (handles) => {
      await this.#list();
      return handles.map((handle) => this.#status(handle));
    },
    watch: () => {
      throw new BackendError('Unsupported', 'watch', 'Nobody watches here.');
    },
    async *logs() {
      yield* [];
    },
    cancel: async () => undefined,
    outputs: async () => ({
      list: async () => [{ path: 'output.json', bytes: output.length }],
      read: async () => pieces(),
    }),
  };

  async health(): ReturnType<Backend['health']> {
    return { reachable: true, message: 'A ledger.', checkedAt: Date.now(), capacity: null };
  }

  async plan(): ReturnType<Backend['plan']> {
    return [];
  }

  async release(): Promise<void> {}

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#agent.destroy();
  }

  #status(handle: Handle): JobStatus | null {
    const key = keyOf(handle);
    const job = this.#jobs.get(key);
    if (job === undefined) return null;
    this.#saw(key);
    return statusOf(job);
  }

  /** The bench reads it from what the server prints. */
  #saw(key: string): void {
    const before = this.#looked.size;
    this.#looked.add(key);
    if (this.#looked.size > before && this.#looked.size % 250 === 0) {
      process.stdout.write(`ledger: looked at ${this.#looked.size}\n`);
    }
  }

  /** Resolves when all jobs were listed once; from then on what changed is asked for, over and over. */
  #list(): Promise<void> {
    this.#listed ??= this.#change().then(() => void this.#follow());
    return this.#listed;
  }

  async #follow(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await delay(pollMs, null, { ref: false });
      await this.#change().catch(() => undefined);
    }
  }

  async #change(): Promise<void> {
    const said = await this.#ask('GET', `/changes?since=${this.#version}`);
    const { version, jobs } = said as LedgerChanges;
    for (const job of jobs) this.#jobs.set(job[0], job);
    this.#version = version;
  }

  async #ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const response = await request(this.#url + path, {
      method,
      dispatcher: this.#agent,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const said = await response.body.text();
    if (response.statusCode !== 200) throw new BackendError('Unavailable', 'ask', said);
    return JSON.parse(said) as unknown;
  }
}

const output = Buffer.from(JSON.stringify({ metrics: { accuracy: 1 }, artifacts: [] }));

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield output;
}

function keyOf({ native }: Handle): string {
  const { key } = native;
  return typeof key === 'string' ? key : '';
}

function statusOf([, phase, startedAt, endedAt]: LedgerJob): JobStatus {
  const common = { native: phase.toLowerCase(), startedAt, endedAt, waiting: null, exit: null };
  if (phase === 'ENDED') {
    const exit = { cause: 'EXITED', code: 0, signal: null, message: 'Done.' } as const;
    return { ...common, phase, exit };
  }
  if (phase === 'RUNNING') return { ...common, phase };
  const waiting = { code: 'RESOURCES_BUSY', message: 'Others are first.', raw: null } as const;
  return { ...common, phase, waiting };
}
