import type { Backend } from '../backends/contract/backend.ts';
import { noCapabilities } from '../backends/contract/backend.ts';
import { BackendError } from '../backends/contract/error.ts';
import type { JobRunner, JobStatus } from '../backends/contract/job-runner.ts';
import type { Handle } from '../backends/contract/workload.ts';

interface PaperJob {
  readonly submittedAt: number;
  startedAt: number | null;
  endedAt: number | null;
}

/** Jobs that take their time and do nothing, so that what is measured is ours. `slots` at once, the others wait. */
export class PaperBackend implements Backend {
  readonly name = 'paper';
  readonly type = 'paper';
  readonly capabilities = Object.freeze({ ...noCapabilities, processes: true });
  readonly services = null;
  readonly functions = null;
  looks = 0;
  readonly #slots: number;
  readonly #jobMs: number;
  readonly #jobs = new Map<string, PaperJob>();
  readonly #waiting: PaperJob[] = [];
  #running = 0;

  constructor(slots: number, jobMs: number) {
    this.#slots = slots;
    this.#jobMs = jobMs;
  }

  readonly jobs: JobRunner = {
    submit: async (_workload, { key }) => {
      if (!this.#jobs.has(key)) {
        const job: PaperJob = { submittedAt: Date.now(), startedAt: null, endedAt: null };
        this.#jobs.set(key, job);
        this.#waiting.push(job);
        this.#fill();
      }
      return { backend: this.name, version: 1, native: { key } };
    },
    inspect: async (handle) => {
      this.looks++;
      return statusOf(this.#find(handle));
    },
    watch: () => {
      throw new BackendError('Unsupported', 'watch', 'Nobody watches here.');
    },
    async *logs() {
      yield* [];
    },
    cancel: async () => undefined,
    outputs: async () => ({
      list: async () => [{ path: 'output.json', bytes: document.length }],
      read: async () => pieces(),
    }),
  };

  async health(): ReturnType<Backend['health']> {
    return { reachable: true, message: 'Paper.', checkedAt: Date.now(), capacity: null };
  }

  async plan(): ReturnType<Backend['plan']> {
    return [];
  }

  async release(handle: Handle): Promise<void> {
    this.#jobs.delete(keyOf(handle));
  }

  async close(): Promise<void> {
    this.#jobs.clear();
  }

  #find(handle: Handle): PaperJob {
    const job = this.#jobs.get(keyOf(handle));
    if (job === undefined) throw new BackendError('NotFound', 'find', 'There is no such job.');
    return job;
  }

  #fill(): void {
    while (this.#running < this.#slots) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#running++;
      job.startedAt = Date.now();
      setTimeout(() => {
        job.endedAt = Date.now();
        this.#running--;
        this.#fill();
      }, this.#jobMs);
    }
  }
}

const document = Buffer.from(JSON.stringify({ metrics: { accuracy: 1 }, artifacts: [] }));

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield document;
}

function keyOf({ native }: Handle): string {
  const { key } = native;
  return typeof key === 'string' ? key : '';
}

function statusOf({ startedAt, endedAt }: PaperJob): JobStatus {
  const times = { startedAt, endedAt };
  if (endedAt !== null) {
    const exit = { cause: 'EXITED', code: 0, signal: null, message: 'Done.' } as const;
    return { ...times, phase: 'ENDED', native: 'ended', waiting: null, exit };
  }
  if (startedAt !== null) {
    return { ...times, phase: 'RUNNING', native: 'running', waiting: null, exit: null };
  }
  const waiting = { code: 'RESOURCES_BUSY', message: 'Others are first.', raw: null } as const;
  return { ...times, phase: 'PENDING', native: 'waiting', waiting, exit: null };
}
