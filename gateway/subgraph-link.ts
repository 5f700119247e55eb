import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Incoming, ResultStream } from './executor.ts';

/** How a planner reaches one subgraph. Neither method rejects; errors come presented, with the subgraph's own paths. */
export interface SubgraphLink {
  readonly name: string;
  execute(fetch: SubgraphFetch): Promise<ExecutionResult>;
  subscribe(fetch: SubgraphFetch): Promise<ResultStream | ExecutionResult>;
  close(): Promise<void>;
}

export interface SubgraphFetch {
  /** The planner keeps one document for each step of a plan: the same object means the same text. */
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly incoming: Incoming;
  /** The same for all fetches of one operation, so that subgraphs of one process share a context. */
  readonly scope: object;
}
