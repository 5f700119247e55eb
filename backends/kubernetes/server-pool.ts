import { BackendError } from '../contract/error.ts';
import type { InvokeRequest, InvokeResponse } from '../contract/service-runner.ts';

export interface Server {
  readonly id: string;
  readonly podIP: string | null;
}

export type Passed =
  | { readonly kind: 'ANSWER'; readonly response: Omit<InvokeResponse, 'replica'> }
  | {
      readonly kind: 'ERROR';
      readonly error: Error;
      /** How far the request came: to no server, to one that gave no byte, or into an answer that was cut. */
      readonly reached: 'NOBODY' | 'SERVER' | 'BEGUN';
    };

interface Known extends Server {
  inFlight: number;
  /** Not to be used until it is replaced, or answered again. */
  out: boolean;
}

export interface PoolOptions {
  readonly now: () => number;
  readonly patienceMs: number;
  /** Never rejects but with BackendError; `signal` ends it. */
  readonly pass: (server: Server, request: InvokeRequest, signal: AbortSignal) => Promise<Passed>;
  /** Asks for a server to be ended and replaced. */
  readonly evict: (server: Server) => void;
}

const attempts = 3;

/** The ready servers of one service, as far as they are known here. */
export class ServerPool {
  readonly #options: PoolOptions;
  readonly #servers = new Map<string, Known>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Whether somebody could answer: the one that is named, or anybody. */
  has(replica: string | null): boolean {
    return this.#choose(replica, new Set()) !== null;
  }

  /** One that is known stays as it is, with what is doubted about it. */
  update(servers: readonly Server[]): void {
    const there = new Set(servers.map(({ id }) => id));
    for (const id of this.#servers.keys()) if (!there.has(id)) this.#servers.delete(id);
    for (const server of servers) {
      if (!this.#servers.has(server.id)) {
        this.#servers.set(server.id, { ...server, inFlight: 0, out: false });
      }
    }
  }

  /** From the server named or the least busy one; to another one when a prediction met nobody or an end. */
  async invoke(request: InvokeRequest, deadline: number): Promise<InvokeResponse> {
    const tried = new Set<string>();
    let failure: Error | null = null;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const remaining = deadline - this.#options.now();
      if (remaining <= 0) throw late();
      const server = this.#choose(request.replica, tried);
      if (server === null) break;
      tried.add(server.id);
      const passed = await this.#pass(server, request, remaining);
      if (passed === 'LATE') throw late();
      if (passed.kind === 'ANSWER') return { ...passed.response, replica: server.id };
      failure = passed.error;
      if (passed.reached === 'NOBODY') this.#askLater(server);
      else if (passed.reached === 'BEGUN' || !mayRepeat(request)) break;
    }
    if (failure === null) {
      throw new BackendError('NoCapacity', 'invoke', 'No server is ready to answer.');
    }
    if (failure instanceof BackendError) throw failure;
    const message = `The server gave no answer: ${failure.message}`;
    throw new BackendError('Unavailable', 'invoke', message, { cause: failure });
  }

  #choose(replica: string | null, tried: ReadonlySet<string>): Known | null {
    let best: Known | null = null;
    for (const server of this.#servers.values()) {
      if (server.out || tried.has(server.id)) continue;
      if (replica !== null && server.id !== replica) continue;
      if (best === null || server.inFlight < best.inFlight) best = server;
    }
    return best;
  }

  async #pass(
    server: Known,
    request: InvokeRequest,
    remainingMs: number,
  ): Promise<Passed | 'LATE'> {
    const signal = AbortSignal.timeout(Math.min(remainingMs, 2 ** 31 - 1));
    server.inFlight++;
    try {
      const passed = await this.#options.pass(server, request, signal);
      if (passed.kind === 'ANSWER' || !signal.aborted) return passed;
      this.#doubt(server, remainingMs);
      return 'LATE';
    } finally {
      server.inFlight--;
    }
  }

  /** One that had hardly any time is asked for a sign of life, or callers in a hurry could end servers at will. */
  #doubt(server: Known, hadMs: number): void {
    if (server.out) return;
    server.out = true;
    if (hadMs >= this.#options.patienceMs) this.#options.evict(server);
    else void this.#ask(server, true);
  }

  /** It takes no connection: when its program ended, the cluster starts it again under another id. */
  #askLater(server: Known): void {
    if (server.out) return;
    server.out = true;
    setTimeout(() => void this.#ask(server, false), this.#options.patienceMs).unref();
  }

  async #ask(server: Known, isHanging: boolean): Promise<void> {
    if (this.#servers.get(server.id) !== server) return;
    const signal = AbortSignal.timeout(this.#options.patienceMs);
    const request = { method: 'GET', path: '/', headers: {}, body: null, replica: null } as const;
    const passed = await this.#options.pass(server, request, signal).catch(() => null);
    if (passed?.kind === 'ANSWER') server.out = false;
    else if (isHanging && signal.aborted) this.#options.evict(server);
    else if (this.#servers.get(server.id) === server) {
      // Not hanging and not answering: the cluster knows better; what it still calls ready is used again.
      server.out = false;
    }
  }
}

/** A prediction changes nothing, a training does. */
function mayRepeat({ method, path }: InvokeRequest): boolean {
  return method === 'GET' || /\/predict\/?(?:\?|$)/.test(path);
}

function late(): BackendError {
  return new BackendError('DeadlineExceeded', 'invoke', 'The deadline passed without an answer.');
}
