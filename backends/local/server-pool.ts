import { Pool, request as send } from 'undici';
import { BackendError } from '../contract/error.ts';
import type { InvokeRequest, InvokeResponse } from '../contract/service-runner.ts';
import type { ReplicaRecord } from './control/record.ts';

interface Server {
  readonly id: string;
  readonly origin: string;
  readonly pool: Pool;
  inFlight: number;
  /** Not to be used until it is replaced, or answered again. */
  out: boolean;
}

export interface PoolOptions {
  readonly now: () => number;
  readonly patienceMs: number;
  readonly answerLimitBytes: number;
  /** Asks for a server to be killed and replaced. */
  readonly evict: (replica: string) => void;
}

const connectionsPerServer = 64;
const attempts = 3;

/** Connections, kept alive, to the ready servers of one service. */
export class ServerPool {
  readonly #options: PoolOptions;
  readonly #servers = new Map<string, Server>();

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  get readyCount(): number {
    return [...this.#servers.values()].filter(({ out }) => !out).length;
  }

  /** Takes over what the supervisor says. A server whose record did not change is kept as it is. */
  update(replicas: readonly ReplicaRecord[]): void {
    const ready = new Map(
      replicas
        .filter(({ phase, port }) => phase === 'READY' && port !== null)
        .map(({ id, port }) => [id, `http://127.0.0.1:${port}`]),
    );
    for (const [id, server] of this.#servers) {
      if (ready.get(id) === server.origin) continue;
      this.#servers.delete(id);
      // Lets what is being answered finish: a server that is stopped in good order still does.
      void server.pool.close();
    }
    for (const [id, origin] of ready) {
      if (this.#servers.has(id)) continue;
      const pool = new Pool(origin, {
        connections: connectionsPerServer,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      this.#servers.set(id, { id, origin, pool, inFlight: 0, out: false });
    }
  }

  /**
   * One answer, from the server named or the least busy one. A request that reached no server, or
   * one that may be repeated and got no byte of an answer, goes to another server.
   */
  async invoke(request: InvokeRequest, deadline: number): Promise<InvokeResponse> {
    const tried = new Set<string>();
    let failure: Error | null = null;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const remaining = deadline - this.#options.now();
      if (remaining <= 0) throw late();
      const server = this.#choose(request.replica, tried);
      if (server === null) break;
      tried.add(server.id);
      const outcome = await this.#send(server, request, remaining);
      if (outcome.kind === 'ANSWER') return outcome.response;
      if (outcome.kind === 'LATE') throw late();
      failure = outcome.error;
      if (outcome.error instanceof BackendError) throw outcome.error;
      if (outcome.refused) this.#askLater(server);
      else if (outcome.begun || !mayRepeat(request)) break;
    }
    if (failure === null) {
      throw new BackendError('NoCapacity', 'invoke', 'No server is ready to answer.');
    }
    const message = `The server gave no answer: ${failure.message}`;
    throw new BackendError('Unavailable', 'invoke', message, { cause: failure });
  }

  close(): void {
    for (const { pool } of this.#servers.values()) void pool.destroy();
    this.#servers.clear();
  }

  #choose(replica: string | null, tried: ReadonlySet<string>): Server | null {
    let best: Server | null = null;
    for (const server of this.#servers.values()) {
      if (server.out || (replica !== null && server.id !== replica) || tried.has(server.id))
        continue;
      if (best === null || server.inFlight < best.inFlight) best = server;
    }
    // A connection that was closed while idle deserves a second try when there is no other server.
    const only = tried.size === 1 ? this.#servers.get([...tried][0] ?? '') : undefined;
    return best ?? (only === undefined || only.out ? null : only);
  }

  async #send(server: Server, request: InvokeRequest, remainingMs: number): Promise<Outcome> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), Math.min(remainingMs, 2 ** 31 - 1));
    let begun = false;
    server.inFlight++;
    try {
      const answer = await send(`${server.origin}${request.path}`, {
        dispatcher: server.pool,
        method: request.method,
        headers: request.headers,
        body: request.body,
        signal: abort.signal,
      });
      begun = true;
      const body = await readLimited(answer.body, this.#options.answerLimitBytes);
      const headers = singleHeaders(answer.headers);
      const response = { status: answer.statusCode, headers, body, replica: server.id };
      return { kind: 'ANSWER', response };
    } catch (error) {
      if (abort.signal.aborted) {
        this.#doubt(server, remainingMs);
        return { kind: 'LATE' };
      }
      const failure = error instanceof Error ? error : new Error(String(error));
      const { code } = failure as NodeJS.ErrnoException;
      return { kind: 'ERROR', error: failure, begun, refused: code === 'ECONNREFUSED' };
    } finally {
      clearTimeout(timer);
      server.inFlight--;
    }
  }

  /**
   * It did not answer in time: it gets nothing more. One that had hardly any time is asked for a
   * sign of life before it is replaced, or a caller in a hurry could kill servers at will.
   */
  #doubt(server: Server, hadMs: number): void {
    if (server.out) return;
    server.out = true;
    if (hadMs >= this.#options.patienceMs) {
      this.#options.evict(server.id);
      return;
    }
    this.#ask(server);
  }

  /** It takes no connection. When it ended it is being replaced already; when it lives on it must be. */
  #askLater(server: Server): void {
    if (server.out) return;
    server.out = true;
    setTimeout(() => this.#ask(server), this.#options.patienceMs).unref();
  }

  /** Any answer is a sign of life. */
  #ask(server: Server): void {
    if (this.#servers.get(server.id) !== server) return;
    const signal = AbortSignal.timeout(this.#options.patienceMs);
    send(`${server.origin}/`, { signal, reset: true })
      .then(async (answer) => {
        await answer.body.dump();
        server.out = false;
      })
      .catch(() => this.#options.evict(server.id));
  }
}

type Outcome =
  | { readonly kind: 'ANSWER'; readonly response: InvokeResponse }
  | { readonly kind: 'LATE' }
  | {
      readonly kind: 'ERROR';
      readonly error: Error;
      readonly begun: boolean;
      readonly refused: boolean;
    };

/** A prediction changes nothing, a training does. */
function mayRepeat({ method, path }: InvokeRequest): boolean {
  return method === 'GET' || /\/predict\/?(?:\?|$)/.test(path);
}

function late(): BackendError {
  return new BackendError('DeadlineExceeded', 'invoke', 'The deadline passed without an answer.');
}

async function readLimited(
  body: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > limitBytes) {
      const message = `The answer is longer than ${limitBytes} bytes.`;
      throw new BackendError('Unexpected', 'invoke', message);
    }
    chunks.push(chunk);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
}

function singleHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return single;
}
