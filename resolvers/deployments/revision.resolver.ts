import { Args, Ctx, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import {
  DeploymentConnection,
  DeploymentType,
  RevisionType,
} from '../../schema/deployments/deployment.ts';
import { EndpointType } from '../../schema/deployments/endpoint.ts';
import {
  ArtifactInDeployments,
  ModuleVersionInDeployments,
} from '../../schema/deployments/foreign.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import type { GraphContext } from '../context.ts';
import { deploymentById, deploymentsOf, endpointById, revisionById } from './batches.ts';

@Resolver(() => RevisionType)
export class RevisionResolver {
  @FieldResolver(() => DeploymentType)
  deployment(
    @Root() { deploymentId }: Revision,
    @Ctx() context: GraphContext,
  ): Promise<Deployment | null> {
    return context.load(deploymentById, deploymentId);
  }

  @FieldResolver(() => EndpointType)
  endpoint(
    @Root() { endpointId }: Revision,
    @Ctx() context: GraphContext,
  ): Promise<Endpoint | null> {
    return context.load(endpointById, endpointId);
  }

  @FieldResolver(() => ModuleVersionInDeployments)
  moduleVersion(@Root() { moduleVersionId }: Revision): ModuleVersionInDeployments {
    return { id: moduleVersionId };
  }

  @FieldResolver(() => ArtifactInDeployments, { nullable: true })
  artifact(@Root() { artifactId }: Revision): ArtifactInDeployments | null {
    return artifactId === null ? null : { id: artifactId };
  }
}

@Resolver(() => EndpointType)
export class EndpointResolver {
  @FieldResolver(() => RevisionType)
  revision(
    @Root() { revisionId }: Endpoint,
    @Ctx() context: GraphContext,
  ): Promise<Revision | null> {
    return context.load(revisionById, revisionId);
  }

  @FieldResolver(() => DeploymentType)
  deployment(
    @Root() { deploymentId }: Endpoint,
    @Ctx() context: GraphContext,
  ): Promise<Deployment | null> {
    return context.load(deploymentById, deploymentId);
  }
}

@Resolver(() => ModuleVersionInDeployments)
export class ModuleVersionDeploymentsResolver {
  @FieldResolver(() => DeploymentConnection, {
    description: 'Deployments that serve it now, trained or as it is; newest first.',
  })
  deployments(
    @Root() { id }: ModuleVersionInDeployments,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Deployment>> {
    return context.load(deploymentsOf.moduleVersionId, { parent: id, page: pageRequest(page) });
  }
}

@Resolver(() => ArtifactInDeployments)
export class ArtifactDeploymentsResolver {
  @FieldResolver(() => DeploymentConnection, {
    description: 'Deployments that serve it now, newest first.',
  })
  deployments(
    @Root() { id }: ArtifactInDeployments,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Deployment>> {
    return context.load(deploymentsOf.artifactId, { parent: id, page: pageRequest(page) });
  }
}
