import { getOperationAST, Kind } from 'graphql';
import type { DocumentNode, ExecutionResult, GraphQLError } from 'graphql';
import { answer, refusal } from './answer.ts';
import { Documents } from './documents.ts';
import { isResultStream } from './executor.ts';
import type { Executor, Incoming, ResultStream } from './executor.ts';
import type { Limits } from './limits.ts';
import { GatewayError } from './presentation.ts';
import { statedMs } from './stated-deadline.ts';
import type { ErrorFor } from './presentation.ts';
import { counted } from './event-stream.ts';
import { traced } from './tracing.ts';
import { unwatched } from './watch.ts';
import type { EndedOperation, Watch } from './watch.ts';

/** What any transport was asked, before anything of it is believed. */
export interface OperationRequest {
  readonly query: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly headers: Incoming['headers'];
  readonly requestId: string;
  /** Aborted when the reader is gone. */
  readonly signal: AbortSignal;
  /** What this transport and method may carry. */
  readonly allowed: readonly Incoming['kind'][];
}

export type Outcome =
  | { readonly kind: 'refused'; readonly errors: readonly GraphQLError[]; readonly status: number }
  | { readonly kind: 'result'; readonly result: ExecutionResult }
  | { readonly kind: 'stream'; readonly stream: ResultStream };

export interface OperationsOptions {
  readonly executor: Executor;
  readonly errorFor: ErrorFor;
  readonly introspection: boolean;
  readonly limits: Limits;
  readonly watch?: Watch;
}

/** The one way in for HTTP, WebSocket and event streams, so that no bound holds on one door only. */
export class Operations {
  #graph: ServedGraph;
  readonly #errorFor: ErrorFor;
  readonly #limits: Limits;
  readonly #introspection: boolean;
  readonly #watch: Watch;

  constructor(options: OperationsOptions) {
    this.#errorFor = options.errorFor;
    this.#limits = options.limits;
    this.#introspection = options.introspection;
    this.#watch = options.watch ?? unwatched;
    this.#graph = this.#served(options.executor);
  }

  /**
   * From now on operations run on another graph. What is under way ends on the one it began with, which is closed after the
   * last of them, streams included.
   */
  replace(executor: Executor): void {
    const before = this.#graph;
    this.#graph = this.#served(executor);
    before.retire();
  }

  #served(executor: Executor): ServedGraph {
    const { schema } = executor;
    const documents = { schema, limits: this.#limits, introspection: this.#introspection };
    return new ServedGraph(executor, new Documents(documents));
  }

  /** Never rejects. */
  async run(request: OperationRequest): Promise<Outcome> {
    const startedAt = performance.now();
    const span = traced(request);
    let read: Pick<EndedOperation, 'kind' | 'name'> = { kind: 'unread', name: null };
    const isRead = (kind: Incoming['kind'], name: string | undefined): void => {
      read = { kind, name: name ?? null };
      span.name(kind, name);
    };
    const graph = this.#graph;
    const release = graph.use();
    const outcome = await span.within(() =>
      this.#run(graph, { ...request, headers: span.headers }, isRead),
    );
    if (outcome.kind !== 'stream') release();
    const said = saidOf(outcome);
    span.end(said);
    const seconds = (performance.now() - startedAt) / 1000;
    const { requestId } = request;
    this.#watch.operationEnded({ ...read, outcome: said, seconds, requestId });
    return outcome.kind === 'stream' ? this.#watched(outcome.stream, release) : outcome;
  }

  #watched(stream: ResultStream, release: () => void): Outcome {
    const closed = this.#watch.streamOpened();
    const over = (): void => {
      closed();
      release();
    };
    return { kind: 'stream', stream: counted(stream, () => this.#watch.eventSent(), over) };
  }

  async #run(
    { executor, documents }: ServedGraph,
    request: OperationRequest,
    isRead: (kind: Incoming['kind'], name: string | undefined) => void,
  ): Promise<Outcome> {
    const presenter = { errorFor: this.#errorFor, requestId: request.requestId };
    try {
      const { query, operationName, variables } = checked(request);
      const prepared = documents.prepare(query, operationName);
      if (!('document' in prepared))
        return refused(answer({ errors: [...prepared] }, EMPTY, presenter));
      const { document, kind } = prepared;
      isRead(kind, getOperationAST(document)?.name?.value);
      if (!request.allowed.includes(kind)) throw notHere(kind);
      const overPages = documents.check(prepared, variables);
      if (overPages.length > 0) return refused(answer({ errors: overPages }, document, presenter));
      const graph = { query: prepared.query, document, variables };
      const { headers, requestId } = request;
      if (kind === 'subscription') {
        const incoming = { kind, headers, requestId, signal: request.signal };
        const opened = await executor.subscribe({ ...graph, incoming });
        return isResultStream(opened) ? { kind: 'stream', stream: opened } : refused(opened);
      }
      const { deadlineMs, longestDeadlineMs } = this.#limits;
      const stated = statedMs(document, { ...prepared.defaults, ...variables });
      const allowedMs = Math.max(deadlineMs, Math.min(stated, longestDeadlineMs));
      const deadline = new Deadline(allowedMs, request.signal);
      try {
        const incoming = { kind, headers, requestId, signal: deadline.signal, allowedMs };
        const result = await deadline.hold(executor.run({ ...graph, incoming }));
        return 'data' in result ? { kind: 'result', result } : refused(result);
      } finally {
        deadline.clear();
      }
    } catch (error) {
      const { errors } = refusal(error, presenter);
      return {
        kind: 'refused',
        errors: errors ?? [],
        status: error instanceof GatewayError ? error.status : 400,
      };
    }
  }

  /** Of an operation that would be accepted; else undefined. */
  kindOf(query: unknown, operationName: unknown): Incoming['kind'] | undefined {
    if (typeof query !== 'string') return undefined;
    const name = typeof operationName === 'string' ? operationName : undefined;
    const prepared = this.#graph.documents.prepare(query, name);
    return 'document' in prepared ? prepared.kind : undefined;
  }

  /** A refusal that a transport decided itself, with the extensions every error of ours has. */
  refuse(error: unknown, requestId: string): readonly GraphQLError[] {
    return refusal(error, { errorFor: this.#errorFor, requestId }).errors ?? [];
  }
}

/** A graph, what was read of documents against it, and how many operations still need it. */
class ServedGraph {
  readonly executor: Executor;
  readonly documents: Documents;
  #users = 0;
  #isRetired = false;

  constructor(executor: Executor, documents: Documents) {
    this.executor = executor;
    this.documents = documents;
  }

  use(): () => void {
    this.#users++;
    return () => {
      this.#users--;
      this.#closeUnused();
    };
  }

  retire(): void {
    this.#isRetired = true;
    this.#closeUnused();
  }

  #closeUnused(): void {
    if (this.#isRetired && this.#users === 0) void this.executor.close();
  }
}

const EMPTY: DocumentNode = { kind: Kind.DOCUMENT, definitions: [] };

function saidOf(outcome: Outcome): string {
  const errors =
    outcome.kind === 'refused'
      ? outcome.errors
      : outcome.kind === 'result'
        ? (outcome.result.errors ?? [])
        : [];
  const [first] = errors;
  if (first === undefined) return 'OK';
  const { code } = first.extensions;
  return typeof code === 'string' ? code : 'UNKNOWN';
}

function refused(result: ExecutionResult): Outcome {
  const errors = result.errors ?? [];
  return { kind: 'refused', errors, status: statusOf(errors) };
}

/** Whole-request refusals that HTTP has a word for; everything else is 400 (or 200, where a client asks for plain JSON). */
function statusOf(errors: readonly GraphQLError[]): number {
  switch (errors[0]?.extensions['code']) {
    case 'UNAUTHENTICATED':
      return 401;
    case 'OVERLOADED':
    case 'SHUTTING_DOWN':
    case 'STORE_UNAVAILABLE':
    case 'SUBGRAPH_UNAVAILABLE':
      return 503;
    case 'DEADLINE_EXCEEDED':
      return 504;
    case 'INTERNAL':
      return 500;
    default:
      return 400;
  }
}

function checked({ query, operationName, variables }: OperationRequest): {
  query: string;
  operationName: string | undefined;
  variables: Readonly<Record<string, unknown>>;
} {
  if (typeof query !== 'string') throw new GatewayError('BAD_REQUEST', 'query must be a string.');
  if (operationName != null && typeof operationName !== 'string') {
    throw new GatewayError('BAD_REQUEST', 'operationName must be a string.');
  }
  if (variables != null && (typeof variables !== 'object' || Array.isArray(variables))) {
    throw new GatewayError('BAD_REQUEST', 'variables must be an object.');
  }
  return {
    query,
    operationName: operationName ?? undefined,
    variables: (variables ?? {}) as Readonly<Record<string, unknown>>,
  };
}

function notHere(kind: Incoming['kind']): GatewayError {
  return kind === 'mutation'
    ? new GatewayError('BAD_REQUEST', 'Mutations cannot be sent by GET.', { status: 405 })
    : new GatewayError(
        'BAD_REQUEST',
        'Subscriptions need a WebSocket (graphql-transport-ws) or Accept: text/event-stream.',
      );
}

class Deadline {
  readonly signal: AbortSignal;
  readonly #passed: Promise<never>;
  readonly #clear: () => void;

  constructor(ms: number, gone: AbortSignal) {
    const controller = new AbortController();
    const stop = (): void => {
      controller.abort();
    };
    const passed = Promise.withResolvers<never>();
    this.#passed = passed.promise;
    // Nobody may be waiting yet when it rejects.
    this.#passed.catch(() => undefined);
    const timer = setTimeout(() => {
      stop();
      passed.reject(
        new GatewayError('DEADLINE_EXCEEDED', `The operation took longer than ${ms} ms.`, {
          status: 504,
          retryable: true,
        }),
      );
    }, ms);
    gone.addEventListener('abort', stop, { once: true });
    this.signal = controller.signal;
    this.#clear = () => {
      clearTimeout(timer);
      gone.removeEventListener('abort', stop);
    };
  }

  async hold<T>(work: Promise<T>): Promise<T> {
    return await Promise.race([work, this.#passed]);
  }

  clear(): void {
    this.#clear();
  }
}
