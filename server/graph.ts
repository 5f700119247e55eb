import { buildSubgraph } from '../gateway/type-graphql.ts';
import type { Subgraph } from '../gateway/subgraph.ts';
import { datasetsSubgraph } from '../resolvers/datasets/subgraph.ts';
import { deploymentsSubgraph } from '../resolvers/deployments/subgraph.ts';
import { inferenceSubgraph } from '../resolvers/inference/subgraph.ts';
import { modulesSubgraph } from '../resolvers/modules/subgraph.ts';
import { trainingSubgraph } from '../resolvers/training/subgraph.ts';

/** The five subgraphs, in the order of the thread: find, bring data, train, serve, predict. */
const parts = [
  modulesSubgraph,
  datasetsSubgraph,
  trainingSubgraph,
  deploymentsSubgraph,
  inferenceSubgraph,
];

export const subgraphNames: readonly string[] = parts.map((part) => part.name);

/** Builds them one after another: type-graphql's build context is global. */
export function buildSubgraphs(): readonly Subgraph[] {
  return parts.map((part) => buildSubgraph(part));
}
