import type { WaitingCode } from '../../domain/waiting.ts';
import type { LogChunk } from './job-runner.ts';
import type { Handle, ServiceWorkload } from './workload.ts';

/** Keeps servers of a module running. Errors as `JobRunner`. Removal is `Backend.release`. */
export interface ServiceRunner {
  /** Idempotent by `key`, as `JobRunner.submit`. Resolves when the backend has it, long before it is ready. */
  deploy(
    workload: ServiceWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle>;
  status(handle: Handle): Promise<ServiceStatus>;
  /** Yields a status at once and after each change, until `signal` aborts or the service was released. */
  watch(handle: Handle, signal: AbortSignal): AsyncIterable<ServiceStatus>;
  /** Changes the number of servers; those kept are not restarted. */
  scale(handle: Handle, replicas: number): Promise<void>;
  /**
   * One HTTP request to a ready server (the one named, or the least busy). DeadlineExceeded at `deadline` (epoch
   * milliseconds): the server that did not answer is taken out and replaced. NoCapacity when none is ready.
   */
  invoke(
    handle: Handle,
    request: InvokeRequest,
    options: { readonly deadline: number },
  ): Promise<InvokeResponse>;
  /** As `JobRunner.logs`, of all servers. */
  logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncIterable<LogChunk>;
}

export interface ServiceStatus {
  readonly phase: 'PENDING' | 'PULLING' | 'LOADING' | 'READY' | 'FAILED' | 'STOPPED' | 'UNKNOWN';
  readonly native: string;
  readonly replicas: readonly ReplicaStatus[];
  readonly waiting: {
    readonly code: WaitingCode;
    readonly message: string;
    readonly raw: string | null;
  } | null;
  /** A sentence for a person when FAILED (or when replicas keep failing), with the last lines printed. */
  readonly failure: string | null;
  /** How often a server was started again after it ended by itself. */
  readonly restarts: number;
}

export interface ReplicaStatus {
  /** Changes when the server is replaced, so warmth can be proven for each one. */
  readonly id: string;
  readonly phase: 'LOADING' | 'READY' | 'FAILED' | 'STOPPED';
  readonly native: string;
}

export interface InvokeRequest {
  readonly method: 'GET' | 'POST';
  /** Path and query, as `/v2/models/NAME/predict/`. */
  readonly path: string;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array | null;
  /** A replica's id; null for any. */
  readonly replica: string | null;
}

export interface InvokeResponse {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
  readonly replica: string;
}
