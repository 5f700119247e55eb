import { BackendError } from '../contract/error.ts';
import type { InvokeRequest, InvokeResponse } from '../contract/service-runner.ts';
import type { Answer } from './answer.ts';

/** One that could answer; `id` changes when it is replaced. What else is needed to reach it is the backend's matter. */
export interface PoolServer {
  readonly id: string;
}

export type Passed =
  | { readonly kind: 'ANSWER'; readonly response: Answer }
  | {
      readonly kind: 'ERROR';
      readonly error: Error;
      /** How far the request came: to no server, to one that gave no byte, or into an answer that was cut. */
      readonly reached: 'NOBODY' | 'SERVER' | 'BEGUN';
    };

interface Known<Server extends PoolServer> {
  readonly server: Server;
  inFlight: number;
  /** Not to be used until it is replaced, or answered again. */
  out: boolean;
}

export interface PoolOptions<Server extends PoolServer> {
  readonly now: () => number;
  readonly patienceMs: number;
  /** Never rejects but with BackendError; `signal` ends it. */
  readonly pass: (server: Server, request: InvokeRequest, signal: AbortSignal) => Promise<Passed>;
  /** Asks for a server to be ended and replaced. */
  readonly evict: (server: Server) => void;
  /**
   * What is done about one that takes no connection: it is evicted, or it is used again, where the cluster sees for itself
   * and what it still calls ready is more than we know.
   */
  readonly unreachable: 'EVICT' | 'TRUST';
}

const attempts = 3;

/** The ready servers of one service, as far as they are known here. */
export class ServerPool<Server extends PoolServer> {
  readonly #options: PoolOptions<Server>;
  readonly #servers = new Map<string, Known<Server>>();

  constructor(options: PoolOptions<Server>) {
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
        this.#servers.set(server.id, { server, inFlight: 0, out: false });
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
      const known = this.#choose(request.replica, tried);
      if (known === null) break;
      tried.add(known.server.id);
      const passed = await this.#pass(known, request, remaining);
      if (passed === 'LATE') throw late();
      if (passed.kind === 'ANSWER') return { ...passed.response, replica: known.server.id };
      failure = passed.error;
      if (passed.reached === 'NOBODY') this.#askLater(known);
      else if (passed.reached === 'BEGUN' || !mayRepeat(request)) break;
    }
    if (failure === null) {
      throw new BackendError('NoCapacity', 'invoke', 'No server is ready to answer.');
    }
    if (failure instanceof BackendError) throw failure;
    const message = `The server gave no answer: ${failure.message}`;
    throw new BackendError('Unavailable', 'invoke', message, { cause: failure });
  }

  #choose(replica: string | null, tried: ReadonlySet<string>): Known<Server> | null {
    let best: Known<Server> | null = null;
    for (const known of this.#servers.values()) {
      const { id } = known.server;
      if (known.out || tried.has(id)) continue;
      if (replica !== null && id !== replica) continue;
      if (best === null || known.inFlight < best.inFlight) best = known;
    }
    if (best !== null) return best;
    // A connection that was closed while idle deserves a second try when there is no other server.
    const [first] = tried.size === 1 ? tried : [];
    const only = first === undefined ? undefined : this.#servers.get(first);
    return only === undefined || only.out ? null : only;
  }

  async #pass(
    known: Known<Server>,
    request: InvokeRequest,
    remainingMs: number,
  ): Promise<Passed | 'LATE'> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.min(remainingMs, 2 ** 31 - 1));
    known.inFlight++;
    try {
      const passed = await this.#options.pass(known.server, request, abort.signal);
      if (passed.kind === 'ANSWER' || !abort.signal.aborted) return passed;
      this.#doubt(known, remainingMs);
      return 'LATE';
    } finally {
      clearTimeout(timer);
      known.inFlight--;
    }
  }

  /** One that had hardly any time is asked for a sign of life, or callers in a hurry could end servers at will. */
  #doubt(known: Known<Server>, hadMs: number): void {
    if (known.out) return;
    known.out = true;
    if (hadMs >= this.#options.patienceMs) this.#options.evict(known.server);
    else void this.#ask(known, true);
  }

  /** It takes no connection: when its program ended, it is being replaced under another id already. */
  #askLater(known: Known<Server>): void {
    if (known.out) return;
    known.out = true;
    setTimeout(() => void this.#ask(known, false), this.#options.patienceMs).unref();
  }

  async #ask(known: Known<Server>, isHanging: boolean): Promise<void> {
    if (this.#servers.get(known.server.id) !== known) return;
    const signal = AbortSignal.timeout(this.#options.patienceMs);
    const request = { method: 'GET', path: '/', headers: {}, body: null, replica: null } as const;
    const passed = await this.#options.pass(known.server, request, signal).catch(() => null);
    if (this.#servers.get(known.server.id) !== known) return;
    if (passed?.kind === 'ANSWER') known.out = false;
    else if (this.#options.unreachable === 'EVICT' || (isHanging && signal.aborted)) {
      this.#options.evict(known.server);
    } else known.out = false;
  }
}

/** A prediction changes nothing, a training does. */
function mayRepeat({ method, path }: InvokeRequest): boolean {
  return method === 'GET' || /\/predict\/?(?:\?|$)/.test(path);
}

function late(): BackendError {
  return new BackendError('DeadlineExceeded', 'invoke', 'The deadline passed without an answer.');
}
