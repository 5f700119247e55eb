import { Pool, request as send } from 'undici';
import type { InvokeRequest, InvokeResponse } from '../contract/service-runner.ts';
import { readAnswer } from '../server-pool/answer.ts';
import { type Passed, type PoolServer, ServerPool } from '../server-pool/server-pool.ts';
import type { ReplicaRecord } from './control/record.ts';

interface Replica extends PoolServer {
  readonly origin: string;
  readonly connections: Pool;
}

export interface ReplicasOptions {
  readonly now: () => number;
  readonly patienceMs: number;
  readonly answerLimitBytes: number;
  /** Asks for a server to be killed and replaced. */
  readonly evict: (replica: string) => void;
}

const connectionsPerServer = 64;

/** Connections, kept alive, to the ready servers of one service. */
export class Replicas {
  readonly #answerLimitBytes: number;
  readonly #servers: ServerPool<Replica>;
  readonly #known = new Map<string, Replica>();

  constructor({ answerLimitBytes, evict, ...others }: ReplicasOptions) {
    this.#answerLimitBytes = answerLimitBytes;
    this.#servers = new ServerPool({
      ...others,
      pass: (replica, request, signal) => this.#pass(replica, request, signal),
      evict: ({ id }) => evict(id),
      unreachable: 'EVICT',
    });
  }

  get isReady(): boolean {
    return this.#servers.has(null);
  }

  /** Takes over what the supervisor says. A server whose record did not change is kept as it is. */
  update(records: readonly ReplicaRecord[]): void {
    const ready = new Map(
      records
        .filter(({ phase, port }) => phase === 'READY' && port !== null)
        .map(({ id, port }) => [id, `http://127.0.0.1:${port}`]),
    );
    for (const [id, { origin, connections }] of this.#known) {
      if (ready.get(id) === origin) continue;
      this.#known.delete(id);
      // Lets what is being answered finish: a server that is stopped in good order still does.
      void connections.close();
    }
    // What stands at another address now is not the one that was doubted.
    this.#servers.update([...this.#known.values()]);
    const limits = { connections: connectionsPerServer, headersTimeout: 0, bodyTimeout: 0 };
    for (const [id, origin] of ready) {
      if (this.#known.has(id)) continue;
      this.#known.set(id, { id, origin, connections: new Pool(origin, limits) });
    }
    this.#servers.update([...this.#known.values()]);
  }

  invoke(request: InvokeRequest, deadline: number): Promise<InvokeResponse> {
    return this.#servers.invoke(request, deadline);
  }

  close(): void {
    for (const { connections } of this.#known.values()) void connections.destroy();
    this.#known.clear();
    this.#servers.update([]);
  }

  async #pass(
    { origin, connections }: Replica,
    { method, path, headers, body }: InvokeRequest,
    signal: AbortSignal,
  ): Promise<Passed> {
    let begun = false;
    try {
      const dispatcher = connections;
      const answer = await send(`${origin}${path}`, { dispatcher, method, headers, body, signal });
      begun = true;
      return { kind: 'ANSWER', response: await readAnswer(answer, this.#answerLimitBytes) };
    } catch (error) {
      const failure = error instanceof Error ? error : new Error(String(error));
      const isRefused = (failure as NodeJS.ErrnoException).code === 'ECONNREFUSED';
      const reached = begun ? 'BEGUN' : isRefused ? 'NOBODY' : 'SERVER';
      return { kind: 'ERROR', error: failure, reached };
    }
  }
}
