import type { WaitingCode } from '../../domain/waiting.ts';
import type { Handle, JobWorkload } from './workload.ts';

/**
 * Runs work to an end. Every method rejects with BackendError: NotFound for a handle that the backend does not know,
 * Unavailable when it cannot be reached, and after `close`.
 */
export interface JobRunner {
  /**
   * Idempotent by `key`: the native name derives from it, and a job that is already there is adopted, whoever submitted
   * it. The same key gives an equal handle. Resolves when the backend has it for good.
   */
  submit(workload: JobWorkload, options: SubmitOptions): Promise<Handle>;
  /** One look. Total: a native state that we do not know is phase UNKNOWN with the native text. */
  inspect(handle: Handle): Promise<JobStatus>;
  /**
   * One look at many, in their order: of each what `inspect` says, null for a handle that it does not know. Only where that
   * costs the backend less than a question for each; absent: it does not.
   */
  inspectMany?(handles: readonly Handle[]): Promise<readonly (JobStatus | null)[]>;
  /** Yields a status at once and after each change, until the end of the job (included) or `signal` aborts. */
  watch(handle: Handle, signal: AbortSignal): AsyncIterable<JobStatus>;
  /**
   * What the job printed after `after` (a cursor of ours; null for the start), up to now; empty chunks are not yielded.
   * Cursors survive restarts. Lines longer than 16 KiB are cut and end in `…`.
   */
  logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncIterable<LogChunk>;
  /** Asks for the end; idempotent in every state; the end is seen by `inspect`. */
  cancel(handle: Handle): Promise<void>;
  /** The job's `out/` folder, also while it runs (only complete files are to be read then). */
  outputs(handle: Handle): Promise<OutputFolder>;
}

export interface SubmitOptions {
  /** Of this job. The native name derives from it. */
  readonly key: string;
  readonly signal: AbortSignal;
  /** Jobs it may be handed over with; absent: by itself. */
  readonly array?: JobArray;
}

/**
 * A wish, heeded where `Capabilities.arrays`: these jobs go to the backend as one native object, in one request. Each stays
 * a job of its own for every method, by its own key: a `submit` of another member adopts what is there already. Where the
 * array was made before, or a member has a job by itself, nothing is made twice; who is missing in it is submitted alone.
 * A member may run from then on, before it is submitted itself: whoever gives it up submits it, and releases the handle.
 */
export interface JobArray {
  /** Of the whole; the array's native name derives from it. */
  readonly key: string;
  /** For people. */
  readonly title: string;
  /** How many may run at the same time; null for as many as the site allows. The backend sees to it. */
  readonly atOnce: number | null;
  /**
   * All members that nobody submitted yet, the job that is being submitted among them; the same resources for each. Asked
   * when an array is about to be made.
   */
  members(): Promise<readonly ArrayMember[]>;
}

export interface ArrayMember {
  readonly key: string;
  readonly workload: JobWorkload;
}

export interface JobStatus {
  readonly phase: 'PENDING' | 'PREPARING' | 'RUNNING' | 'ENDED' | 'UNKNOWN';
  /** Verbatim. */
  readonly native: string;
  /** Why it is not running, while PENDING or PREPARING. */
  readonly waiting: {
    readonly code: WaitingCode;
    readonly message: string;
    readonly raw: string | null;
  } | null;
  /** Only when ENDED. */
  readonly exit: JobExit | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export interface JobExit {
  readonly cause:
    | 'EXITED'
    | 'SIGNALLED'
    | 'OUT_OF_MEMORY'
    | 'TIME_LIMIT'
    | 'CANCELLED'
    | 'NOT_STARTED'
    | 'UNKNOWN';
  readonly code: number | null;
  readonly signal: string | null;
  /** A sentence for a person, with the last lines of standard error when it failed. */
  readonly message: string;
}

export interface LogChunk {
  /** Pass it as `after` to go on behind this chunk. */
  readonly cursor: string;
  readonly lines: readonly {
    readonly at: number;
    readonly stream: 'STDOUT' | 'STDERR';
    readonly text: string;
  }[];
}

export interface OutputFolder {
  /** Regular files under `prefix`, relative paths with `/`, sorted. Links are not followed. */
  list(prefix: string): Promise<readonly { readonly path: string; readonly bytes: number }[]>;
  /** NotFound when there is none. */
  read(path: string): Promise<AsyncIterable<Uint8Array>>;
}
