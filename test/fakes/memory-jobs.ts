import type { Backend, BackendHealth, Capabilities } from '../../backends/contract/backend.ts';
import { noCapabilities } from '../../backends/contract/backend.ts';
import { BackendError } from '../../backends/contract/error.ts';
import type {
  JobArray,
  JobExit,
  JobRunner,
  JobStatus,
  LogChunk,
  OutputFolder,
} from '../../backends/contract/job-runner.ts';
import type { NativeRequest, Wanted } from '../../backends/contract/native-request.ts';
import type { Handle, JobWorkload } from '../../backends/contract/workload.ts';

export interface MemoryJob {
  readonly key: string;
  readonly workload: JobWorkload;
  phase: JobStatus['phase'];
  exit: JobExit | null;
  waiting: JobStatus['waiting'];
  cancelled: boolean;
  /** The array it was handed over with, and how many of that may run at the same time. */
  readonly array: { readonly key: string; readonly atOnce: number } | null;
  readonly files: Map<string, string>;
}

/** A backend whose jobs are entries of a map: a test says what becomes of them, and which calls fail. */
export class MemoryJobs implements Backend {
  readonly name: string;
  readonly type = 'memory';
  readonly capabilities: Capabilities;
  readonly services = null;
  readonly functions = null;
  readonly jobs: JobRunner;
  readonly inMemory = new Map<string, MemoryJob>();
  /** Keys of all jobs that were ever made here, also of those that were forgotten. */
  readonly made = new Set<string>();
  /** The name of each call, in order. */
  readonly calls: string[] = [];
  /** Keys of the members of each native array, in the order in which they were made. */
  readonly arrays = new Map<string, readonly string[]>();
  readonly #arraysUnderWay = new Map<string, Promise<void>>();
  /** Asked before each call; what it returns is thrown. */
  failure: (operation: string) => BackendError | null = () => null;
  /** Awaited in `health`. */
  healthy: () => Promise<Partial<BackendHealth>> = () => Promise.resolve({});

  constructor(name: string, more: Partial<Capabilities> = {}) {
    this.name = name;
    this.capabilities = { ...noCapabilities, processes: true, cancelQueued: true, ...more };
    this.jobs = this.#runner();
  }

  /** The only job there is. */
  get job(): MemoryJob {
    const [job] = this.inMemory.values();
    if (job === undefined) throw new Error(`${this.name} has no job.`);
    return job;
  }

  countOf(operation: string): number {
    return this.calls.filter((call) => call === operation).length;
  }

  async health(): Promise<BackendHealth> {
    const told = await this.healthy();
    return { reachable: true, message: 'Fine.', checkedAt: Date.now(), capacity: null, ...told };
  }

  async plan({ kind, workload }: Wanted, key: string): Promise<readonly NativeRequest[]> {
    const text = JSON.stringify({ kind, key, title: workload.title });
    return [{ title: 'Entry', mediaType: 'application/json', text }];
  }

  async release(handle: Handle): Promise<void> {
    this.#enter('release');
    this.inMemory.delete(keyOf(handle));
  }

  async close(): Promise<void> {}

  #enter(operation: string): void {
    this.calls.push(operation);
    const error = this.failure(operation);
    if (error !== null) throw error;
  }

  #find(operation: string, handle: Handle): MemoryJob {
    this.#enter(operation);
    this.#startNext();
    const job = this.inMemory.get(keyOf(handle));
    if (job !== undefined) return job;
    throw new BackendError('NotFound', operation, 'There is no such entry in the map.');
  }

  /** As a site does: one native object for all, made by whoever comes first. */
  #makeOnce(array: JobArray): Promise<void> {
    const underWay = this.#arraysUnderWay.get(array.key);
    if (underWay !== undefined) return underWay;
    const made = (async () => {
      const members = await array.members();
      this.calls.push('array');
      this.arrays.set(
        array.key,
        members.map(({ key }) => key),
      );
      const limit = { key: array.key, atOnce: array.atOnce ?? Infinity };
      for (const { key, workload } of members) {
        if (!this.inMemory.has(key)) this.#make(key, workload, limit);
      }
    })();
    this.#arraysUnderWay.set(array.key, made);
    return made;
  }

  #make(key: string, workload: JobWorkload, array: MemoryJob['array']): void {
    const phase = array === null ? 'RUNNING' : 'PENDING';
    const rest = { phase, exit: null, waiting: null, cancelled: false } as const;
    this.made.add(key);
    this.inMemory.set(key, { key, workload, array, ...rest, files: new Map() });
  }

  #startNext(): void {
    const jobs = [...this.inMemory.values()];
    for (const job of jobs) {
      if (job.phase !== 'PENDING' || job.array === null) continue;
      const { key, atOnce } = job.array;
      const going = jobs.filter((one) => one.array?.key === key && one.phase === 'RUNNING');
      if (going.length < atOnce) job.phase = 'RUNNING';
    }
  }

  #runner(): JobRunner {
    return {
      submit: async (workload, { key, array }) => {
        this.#enter('submit');
        if (array !== undefined && this.capabilities.arrays && !this.inMemory.has(key)) {
          await this.#makeOnce(array);
        }
        if (!this.inMemory.has(key)) this.#make(key, workload, null);
        return { backend: this.name, version: 1, native: { key } };
      },
      inspect: async (handle) => statusOf(this.#find('inspect', handle)),
      inspectMany: async (handles) => {
        this.#enter('inspectMany');
        this.#startNext();
        const jobs = handles.map((handle) => this.inMemory.get(keyOf(handle)));
        return jobs.map((job) => (job === undefined ? null : statusOf(job)));
      },
      watch: (handle) => this.#watch(handle),
      logs: (handle) => this.#logs(handle),
      cancel: async (handle) => {
        const job = this.#find('cancel', handle);
        if (job.phase === 'ENDED') return;
        job.cancelled = true;
        job.phase = 'ENDED';
        job.exit = { cause: 'CANCELLED', code: null, signal: null, message: 'Cancelled.' };
      },
      outputs: async (handle) => outputsOf(this.#find('outputs', handle)),
    };
  }

  async *#watch(handle: Handle): AsyncGenerator<JobStatus> {
    yield statusOf(this.#find('watch', handle));
  }

  async *#logs(handle: Handle): AsyncGenerator<LogChunk> {
    this.#find('logs', handle);
    yield* [];
  }
}

export function end(
  job: MemoryJob,
  exit: Partial<JobExit> = {},
  metrics: { readonly [name: string]: number } = {},
): void {
  job.files.set('output.json', JSON.stringify({ metrics, artifacts: [] }));
  job.phase = 'ENDED';
  job.exit = { cause: 'EXITED', code: 0, signal: null, message: 'It ended.', ...exit };
}

function keyOf(handle: Handle): string {
  const { key } = handle.native;
  return typeof key === 'string' ? key : '';
}

function statusOf({ phase, exit, waiting }: MemoryJob): JobStatus {
  const times = { startedAt: 1, endedAt: phase === 'ENDED' ? 2 : null };
  return { phase, native: phase.toLowerCase(), waiting, exit, ...times };
}

function outputsOf(job: MemoryJob): OutputFolder {
  return {
    list: async (prefix) =>
      [...job.files]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, text]) => ({ path, bytes: text.length })),
    read: async (path) => {
      const text = job.files.get(path);
      if (text === undefined) throw new BackendError('NotFound', 'outputs', `No ${path}.`);
      return (async function* () {
        yield new TextEncoder().encode(text);
      })();
    },
  };
}
