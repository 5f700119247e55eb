import type { LogChunk } from './job-runner.ts';
import type { InvokeRequest, InvokeResponse } from './service-runner.ts';
import type { Handle, ServiceWorkload } from './workload.ts';

/**
 * Serves a module by functions: the backend starts and removes containers as requests come, and we only see what it tells
 * of a call. Errors as `JobRunner`. Removal is `Backend.release`.
 */
export interface FunctionRunner {
  /**
   * Idempotent by `key`, as `JobRunner.submit`; `replicas` is how many containers `warm` is asked for. Rejected, with what
   * is allowed, when the workload asks for more than `limits` says. Resolves when the backend has it; nothing is started.
   */
  deploy(
    workload: ServiceWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle>;
  /** One look. Total: what we do not know is phase UNKNOWN with the native text. */
  status(handle: Handle): Promise<FunctionStatus>;
  /**
   * Empty calls, at once, so that `count` containers have loaded the module. Resolves with what was seen by `deadline`
   * (epoch milliseconds), also when that is less.
   */
  warm(
    handle: Handle,
    count: number,
    options: { readonly deadline: number },
  ): Promise<readonly FunctionStart[]>;
  /**
   * One HTTP request of the module's API. A ticket when the backend's own patience ended before the module answered; the
   * call goes on. Rejected before anything is sent when the request is larger than `limits.requestBytes`; RateLimited when
   * throttled; Unexpected when the module's container failed.
   */
  invoke(
    handle: Handle,
    request: Omit<InvokeRequest, 'replica'>,
    options: { readonly deadline: number },
  ): Promise<Invocation>;
  /** What became of a ticket. LOST when the backend can no longer know; null while it goes on. */
  result(handle: Handle, ticket: string): Promise<Answered | Lost | null>;
  /** As `JobRunner.logs`, of all calls that have ended. */
  logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncIterable<LogChunk>;
}

export type Invocation =
  Answered | { readonly kind: 'TICKET'; readonly ticket: string; readonly since: number };

export interface Answered {
  readonly kind: 'ANSWER';
  readonly response: Omit<InvokeResponse, 'replica'>;
  readonly start: FunctionStart;
}

export interface Lost {
  readonly kind: 'LOST';
  /** A sentence with the evidence. */
  readonly message: string;
}

/** What the backend told of how a call began; all times in milliseconds. */
export interface FunctionStart {
  /** Whether a container was started or given the module for this call; null when the backend does not say. */
  readonly cold: boolean | null;
  /** From acceptance to the module's own time: queue, image, container. */
  readonly waitMs: number | null;
  /** Loading the module. */
  readonly initMs: number | null;
  /** The module's own time, loading included. */
  readonly durationMs: number | null;
}

export interface FunctionStatus {
  /** READY: the backend would take a call now; whether it is warm only calls can tell. */
  readonly phase: 'READY' | 'FAILED' | 'STOPPED' | 'UNKNOWN';
  /** Verbatim. */
  readonly native: string;
  /** Changes with every update: warmth proven for another revision is worth nothing. */
  readonly revision: string;
  /** A sentence for a person when FAILED. */
  readonly failure: string | null;
  readonly limits: FunctionLimits;
}

/** What the backend allows, asked before anything is sent. Null where it does not say. */
export interface FunctionLimits {
  readonly requestBytes: number | null;
  readonly responseBytes: number | null;
  readonly memoryMiB: { readonly minimum: number; readonly maximum: number } | null;
  /** The longest a call may take. */
  readonly timeoutMs: number | null;
  /** The longest a caller may wait on the line; later the answer is a ticket. */
  readonly waitMs: number | null;
  readonly callsPerMinute: number | null;
  readonly callsAtOnce: number | null;
  /** How long an unused container stays; null when unknown. */
  readonly idleMs: number | null;
}
