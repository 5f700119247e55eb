import { BackendError } from '../../backends/contract/error.ts';
import type {
  Answered,
  FunctionLimits,
  FunctionRunner,
  FunctionStatus,
} from '../../backends/contract/function-runner.ts';
import type { InvokeRequest, ServiceStatus } from '../../backends/contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../../backends/contract/workload.ts';
import type { Ambient } from '../../domain/ambient.ts';
import { FathomError } from '../../domain/errors.ts';
import { answerOfTicket } from './function-ticket.ts';
import { type ServedAnswer, type Serving, succeeds } from './serving.ts';

/** Milliseconds. */
export interface FunctionTimings {
  /** A function that is warm is looked at so often. */
  readonly statusEveryMs: number;
  /** For the empty calls of one round. */
  readonly roundMs: number;
  /** How long an unused container is taken to stay where the backend does not say. */
  readonly unknownIdleMs: number;
  readonly shortestKeepMs: number;
  /** Limits are asked for again after this long. */
  readonly limitsFreshMs: number;
}

const defaults: FunctionTimings = Object.freeze({
  statusEveryMs: 10_000,
  roundMs: 300_000,
  unknownIdleMs: 60_000,
  shortestKeepMs: 1_000,
  limitsFreshMs: 60_000,
});

/** What is known of one function. Lost at a restart: then the first round of calls finds out again. */
interface Known {
  revision: string;
  /** Grows when a warm container turned out not to answer: its proof is worth nothing any more. */
  generation: number;
  /** Containers that were called in the last round, and when that ended. */
  called: number;
  calledAt: number | null;
  round: Promise<void> | null;
  /** Why the last round failed, until somebody is told. */
  failure: BackendError | null;
  status: FunctionStatus | null;
  lookedAt: number;
}

/**
 * Functions in the shape of servers. A container is a server with an id of the function's revision: LOADING until an empty
 * call reached it, READY then, to be proven by the sample as every server is. Empty calls keep them warm, at half of the
 * time after which the backend lets unused containers go, and at once after every update.
 */
export class FunctionServing implements Serving {
  readonly #functions: FunctionRunner;
  readonly #ambient: Ambient;
  readonly #timings: FunctionTimings;
  readonly #known = new Map<string, Known>();
  readonly #limits = new Map<string, { readonly limits: FunctionLimits; readonly at: number }>();

  constructor(functions: FunctionRunner, ambient: Ambient, timings: Partial<FunctionTimings>) {
    this.#functions = functions;
    this.#ambient = ambient;
    this.#timings = { ...defaults, ...timings };
  }

  deploy(
    workload: ServiceWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    return this.#functions.deploy(workload, options);
  }

  async status(
    handle: Handle,
    { replicas, proven }: { readonly replicas: number; readonly proven: readonly string[] },
  ): Promise<ServiceStatus> {
    const known = this.#knownOf(handle);
    const status = await this.#look(handle, known, replicas);
    const { native } = status;
    if (status.phase !== 'READY') {
      this.#known.delete(nameOf(handle));
      const { phase, failure } = status;
      return { phase, native, replicas: [], waiting: null, failure, restarts: 0 };
    }
    if (known.failure !== null) {
      const error = known.failure;
      known.failure = null;
      throw error;
    }
    const isDue =
      known.calledAt === null ||
      this.#ambient.now() - known.calledAt >= this.#keepEveryMs(status.limits);
    if ((isDue || known.called < replicas) && known.round === null) {
      known.round = this.#callEach(handle, known, replicas);
    }
    const containers = Array.from({ length: replicas }, (_, index) => {
      const id = `${known.revision}.${known.generation}/${index + 1}`;
      const isCalled = index < known.called || proven.includes(id);
      return { id, phase: isCalled ? ('READY' as const) : ('LOADING' as const), native };
    });
    const isReady = containers.some(({ phase }) => phase === 'READY');
    const isWhole = containers.every(({ phase }) => phase === 'READY');
    const message = `Empty calls are made, so that ${replicas === 1 ? 'a container loads' : `${replicas} containers load`} the module.`;
    return {
      phase: isReady ? 'READY' : 'LOADING',
      native,
      replicas: containers,
      waiting: isWhole ? null : { code: 'STARTING', message, raw: null },
      failure: null,
      restarts: 0,
    };
  }

  /** The next round of calls is for that many. */
  async scale(): Promise<void> {}

  isThere(handle: Handle): Promise<boolean> {
    return succeeds(this.#functions.status(handle));
  }

  async invoke(
    handle: Handle,
    { replica, ...request }: InvokeRequest,
    { deadline }: { readonly deadline: number },
  ): Promise<ServedAnswer> {
    if (request.body !== null) await this.#checkSize(handle, request);
    const invocation = await this.#functions.invoke(handle, request, { deadline });
    const answer: Answered =
      invocation.kind === 'ANSWER'
        ? invocation
        : await answerOfTicket(this.#functions, handle, invocation, deadline, this.#ambient);
    return { ...answer.response, replica: replica ?? '', start: answer.start };
  }

  /** Warm ones are looked at now and then only: each look is a request to somebody else's service. */
  async #look(handle: Handle, known: Known, replicas: number): Promise<FunctionStatus> {
    const now = this.#ambient.now();
    const isSettled = known.calledAt !== null && known.called >= replicas;
    const isFresh = now - known.lookedAt < this.#timings.statusEveryMs;
    if (known.status?.phase === 'READY' && isSettled && isFresh) return known.status;
    const status = await this.#functions.status(handle);
    known.status = status;
    known.lookedAt = now;
    this.#limits.set(nameOf(handle), { limits: status.limits, at: now });
    if (status.revision !== known.revision) {
      Object.assign(known, { revision: status.revision, generation: 0, called: 0, calledAt: null });
    }
    return status;
  }

  /** In the background: a cold container may take minutes, and a look must not. Never rejects. */
  async #callEach(handle: Handle, known: Known, count: number): Promise<void> {
    const { revision } = known;
    try {
      await this.#functions.warm(handle, count, {
        deadline: this.#ambient.now() + this.#timings.roundMs,
      });
      if (known.revision === revision) known.called = count;
    } catch (error) {
      const failure = asBackendError(error);
      if (failure.kind === 'Unexpected' && known.revision === revision) {
        // Its container fails: the sample is to be answered anew, and tells the reason.
        known.generation += known.called === 0 ? 0 : 1;
        known.called = count;
      } else {
        known.failure = failure;
      }
    } finally {
      if (known.revision === revision && known.failure === null) {
        known.calledAt = this.#ambient.now();
      }
      known.round = null;
    }
  }

  async #checkSize(handle: Handle, request: Omit<InvokeRequest, 'replica'>): Promise<void> {
    const { requestBytes = null } = (await this.#limitsOf(handle)) ?? {};
    const bytes = request.body?.length ?? 0;
    if (requestBytes === null || bytes <= requestBytes) return;
    const isForm = request.headers['content-type']?.startsWith('multipart/') === true;
    throw new FathomError(
      'TOO_LARGE',
      `The call has ${bytes} bytes; ${handle.backend} takes at most ${requestBytes}. Send less, or deploy where servers are kept running.`,
      { path: [isForm ? 'files' : 'arguments'] },
    );
  }

  /** The latest known; null when there are none and the backend cannot be asked: then it judges the call itself. */
  async #limitsOf(handle: Handle): Promise<FunctionLimits | null> {
    const name = nameOf(handle);
    const known = this.#limits.get(name);
    const now = this.#ambient.now();
    if (known !== undefined && now - known.at < this.#timings.limitsFreshMs) return known.limits;
    if (this.#limits.size > 10_000) this.#limits.clear();
    const status = await this.#functions.status(handle).catch((error: unknown) => {
      if (error instanceof BackendError) return null;
      throw error;
    });
    if (status === null) return known?.limits ?? null;
    this.#limits.set(name, { limits: status.limits, at: now });
    return status.limits;
  }

  #keepEveryMs({ idleMs }: FunctionLimits): number {
    const { shortestKeepMs, unknownIdleMs } = this.#timings;
    return Math.max(shortestKeepMs, Math.floor((idleMs ?? unknownIdleMs) / 2));
  }

  #knownOf(handle: Handle): Known {
    const name = nameOf(handle);
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const made: Known = {
      revision: '',
      generation: 0,
      called: 0,
      calledAt: null,
      round: null,
      failure: null,
      status: null,
      lookedAt: 0,
    };
    this.#known.set(name, made);
    return made;
  }
}

function nameOf(handle: Handle): string {
  return JSON.stringify(handle.native);
}

function asBackendError(error: unknown): BackendError {
  if (error instanceof BackendError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BackendError('Unavailable', 'warm', message, { cause: error });
}
