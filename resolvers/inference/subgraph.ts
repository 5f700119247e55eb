import type { GraphContext } from '../context.ts';
import { predictionById } from './batches.ts';
import { DeploymentPredictionsResolver, PredictionResolver } from './prediction.resolver.ts';

interface Reference {
  readonly id: string;
}

export const inferenceSubgraph = {
  name: 'inference',
  resolvers: [PredictionResolver, DeploymentPredictionsResolver],
  orphanedTypes: [],
  references: {
    Prediction: ({ id }: Reference, context: GraphContext) => context.load(predictionById, id),
    // Existence is the owner's to judge; here are only the fields that this subgraph adds.
    Deployment: async ({ id }: Reference) => ({ id }),
  },
} as const;
