import type { GraphContext } from '../context.ts';
import { deploymentById, endpointById, revisionById } from './batches.ts';
import { DeploymentResolver } from './deployment.resolver.ts';
import {
  ArtifactDeploymentsResolver,
  EndpointResolver,
  ModuleVersionDeploymentsResolver,
  RevisionResolver,
} from './revision.resolver.ts';
import {
  DeploymentEventResolver,
  DeploymentSubscriptionResolver,
} from './subscriptions.resolver.ts';

interface Reference {
  readonly id: string;
}

export const deploymentsSubgraph = {
  name: 'deployments',
  resolvers: [
    DeploymentResolver,
    RevisionResolver,
    EndpointResolver,
    ModuleVersionDeploymentsResolver,
    ArtifactDeploymentsResolver,
    DeploymentSubscriptionResolver,
    DeploymentEventResolver,
  ],
  orphanedTypes: [],
  references: {
    Deployment: ({ id }: Reference, context: GraphContext) => context.load(deploymentById, id),
    Revision: ({ id }: Reference, context: GraphContext) => context.load(revisionById, id),
    Endpoint: ({ id }: Reference, context: GraphContext) => context.load(endpointById, id),
    // Existence is the owner's to judge; here are only the fields that this subgraph adds.
    ModuleVersion: async ({ id }: Reference) => ({ id }),
    Artifact: async ({ id }: Reference) => ({ id }),
  },
} as const;
