import type { DocumentNode, ExecutionResult } from 'graphql';
import type { Cursor } from './cursor.ts';
import type { Incoming } from './executor.ts';

/** How a planner reaches one subgraph. Neither method rejects; errors come presented, with the subgraph's own paths. */
export interface SubgraphLink {
  readonly name: string;
  execute(fetch: SubgraphFetch): Promise<ExecutionResult>;
  /** Where two ask the same they may be given the same objects, as a sign that an answer to one is an answer to both. */
  subscribe(fetch: SubgraphSubscription): Promise<SubgraphEvents | ExecutionResult>;
  close(): Promise<void>;
}

export type SubgraphEvents = AsyncIterable<ExecutionResult>;

export interface SubgraphSubscription extends SubgraphFetch {
  /** Null: it does not say where it begins. */
  readonly cursor: Cursor | null;
}

export interface SubgraphFetch {
  /** The planner keeps one document for each step of a plan: the same object means the same text. */
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly incoming: Incoming;
  /** The same for all fetches of one operation, so that subgraphs of one process share a context. */
  readonly scope: object;
}
