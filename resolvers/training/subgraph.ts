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
import { sweepById } from './sweep-batches.ts';
import { SweepResolver, TrainingRunSweepResolver } from './sweep.resolver.ts';
import {
  SweepEventResolver,
  SweepRunEndedResolver,
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
    SweepResolver,
    TrainingRunSweepResolver,
    BackendResolver,
    TrainingSubscriptionResolver,
    TrainingRunEventResolver,
    SweepEventResolver,
    SweepRunEndedResolver,
  ],
  orphanedTypes: [],
  references: {
    TrainingRun: ({ id }: Reference, context: GraphContext) => context.load(runById, id),
    Sweep: ({ id }: Reference, context: GraphContext) => context.load(sweepById, id),
    Artifact: ({ id }: Reference, context: GraphContext) => context.load(artifactById, id),
    Attempt: ({ id }: Reference, context: GraphContext) => context.load(attemptById, id),
    // Existence is the owner's to judge; here are only the fields that this subgraph adds.
    ModuleVersion: async ({ id }: Reference) => ({ id }),
    DatasetVersion: async ({ id }: Reference) => ({ id }),
  },
} as const;
