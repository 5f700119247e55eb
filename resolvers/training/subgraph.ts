import type { GraphContext } from '../context.ts';
import {
  ArtifactFileResolver,
  ArtifactRegisteredResolver,
  ArtifactResolver,
  DatasetVersionUsesResolver,
  ModuleVersionRunsResolver,
} from './artifact.resolver.ts';
import { BackendResolver } from './backend.resolver.ts';
import { artifactById, attemptById, runById } from './batches.ts';
import {
  TrainingRunEventResolver,
  TrainingSubscriptionResolver,
} from './subscriptions.resolver.ts';
import { TrainingRunResolver } from './training-run.resolver.ts';

interface Reference {
  readonly id: string;
}

export const trainingSubgraph = {
  name: 'training',
  resolvers: [
    TrainingRunResolver,
    ArtifactResolver,
    ArtifactFileResolver,
    ArtifactRegisteredResolver,
    ModuleVersionRunsResolver,
    DatasetVersionUsesResolver,
    BackendResolver,
    TrainingSubscriptionResolver,
    TrainingRunEventResolver,
  ],
  orphanedTypes: [],
  references: {
    TrainingRun: ({ id }: Reference, context: GraphContext) => context.load(runById, id),
    Artifact: ({ id }: Reference, context: GraphContext) => context.load(artifactById, id),
    Attempt: ({ id }: Reference, context: GraphContext) => context.load(attemptById, id),
    // Existence is the owner's to judge; here are only the fields that this subgraph adds.
    ModuleVersion: async ({ id }: Reference) => ({ id }),
    DatasetVersion: async ({ id }: Reference) => ({ id }),
  },
} as const;
