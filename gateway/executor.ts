import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';

/**
 * The one interface between the transports and the graph. Both implementations (merged in process, planned over subgraphs)
 * give the same bytes for the same request: errors are presented, sorted by path, and carry the same locations.
 */
export interface Executor {
  /** The public schema: no federation directive, nothing inaccessible. */
  readonly schema: GraphQLSchema;
  /** Runs a validated query or mutation. Never rejects: a failure is a result with `errors`. */
  run(request: GraphRequest): Promise<ExecutionResult>;
  /**
   * Opens a validated subscription. The iterator is pulled, one event at a time, so a slow reader stays at its source;
   * `return()` reaches the source at once, even while an event is awaited. Never rejects.
   */
  subscribe(request: GraphRequest): Promise<ResultStream | ExecutionResult>;
  close(): Promise<void>;
}

export interface GraphRequest {
  /** Exactly one operation (and its fragments); the text belongs to the document and is the key of caches. */
  readonly query: string;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly incoming: Incoming;
}

/** Who asked, by which door. */
export interface Incoming {
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** Lower-case names. Over a WebSocket: the upgrade's headers, with `authorization` from `connection_init` if given there. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly requestId: string;
  /** Aborted at the deadline, or when the reader is gone. */
  readonly signal: AbortSignal;
  /** How long the whole operation may take, in milliseconds; absent for a subscription. */
  readonly allowedMs?: number;
}

/**
 * Makes the value resolvers get as `context`: once per query or mutation, and once per event of a subscription, so that no
 * loader answers an event from the entities of an earlier one. What it throws becomes the answer's error.
 */
export type ContextFor<C extends object> = (incoming: Incoming) => C | Promise<C>;

export type ResultStream = AsyncGenerator<ExecutionResult, void, void>;

export function isResultStream<S extends AsyncIterable<ExecutionResult>>(
  value: S | ExecutionResult,
): value is S {
  return Symbol.asyncIterator in value;
}
