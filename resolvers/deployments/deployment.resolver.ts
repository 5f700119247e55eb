import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import {
  DeploymentConnection,
  DeploymentType,
  RevisionConnection,
  RevisionType,
} from '../../schema/deployments/deployment.ts';
import { EndpointType } from '../../schema/deployments/endpoint.ts';
import {
  ArtifactInDeployments,
  ModuleVersionInDeployments,
} from '../../schema/deployments/foreign.ts';
import {
  CreateDeploymentInput,
  CreateDeploymentPayload,
  DeleteDeploymentInput,
  DeleteDeploymentPayload,
  DeploymentFilter,
  DeploymentOrder,
  PlanDeploymentPayload,
  UpdateDeploymentInput,
  UpdateDeploymentPayload,
} from '../../schema/deployments/inputs.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { endpointById, revisionById, revisionsOfDeployment } from './batches.ts';
import { createRequest, deploymentQuery, updateRequest } from './decode.ts';

@Resolver(() => DeploymentType)
export class DeploymentResolver {
  @Query(() => DeploymentType, { nullable: true })
  deployment(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Deployment | null> {
    return services.deployments.get(actor, id);
  }

  @Query(() => DeploymentConnection)
  async deployments(
    @Ctx() { actor, services }: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => DeploymentFilter, { nullable: true }) filter?: DeploymentFilter,
    @Arg('orderBy', () => DeploymentOrder, { nullable: true }) orderBy?: DeploymentOrder,
  ): Promise<Connection<Deployment>> {
    const query = deploymentQuery(filter, orderBy);
    const found = await services.deployments.page(actor, query, pageRequest(page));
    return connection(found, () => services.deployments.count(actor, query));
  }

  @Query(() => PlanDeploymentPayload, {
    description:
      'The dry run of `createDeployment`: where it would go, why, and the exact native request. Writes and sends nothing.',
  })
  planDeployment(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateDeploymentInput) input: CreateDeploymentInput,
  ) {
    return outcome('plan', services.deployments.plan(actor, createRequest(input)));
  }

  @Mutation(() => CreateDeploymentPayload, {
    description: 'Accepts it; `deploymentEvents` tells when it is WARM.',
  })
  createDeployment(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateDeploymentInput) input: CreateDeploymentInput,
  ) {
    return outcome('deployment', services.deployments.create(actor, createRequest(input)));
  }

  @Mutation(() => UpdateDeploymentPayload, {
    description: 'What answers now goes on until the new revision is WARM, and if it never is.',
  })
  updateDeployment(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => UpdateDeploymentInput) input: UpdateDeploymentInput,
  ) {
    return outcome('deployment', services.deployments.update(actor, updateRequest(input)));
  }

  @Mutation(() => DeleteDeploymentPayload, {
    description: 'Stops it once calls under way have ended; what is deleted is answered as it is.',
  })
  deleteDeployment(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => DeleteDeploymentInput) input: DeleteDeploymentInput,
  ) {
    return outcome('deployment', services.deployments.delete(actor, input.id));
  }

  @FieldResolver(() => RevisionType, {
    nullable: true,
    description: 'The revision that answers; null until the first one was warm.',
  })
  activeRevision(
    @Root() { activeRevisionId }: Deployment,
    @Ctx() context: GraphContext,
  ): Promise<Revision | null> | null {
    return activeRevisionId === null ? null : context.load(revisionById, activeRevisionId);
  }

  @FieldResolver(() => RevisionType, {
    description: 'The newest; another than the active one during a roll-out, or after it failed.',
  })
  latestRevision(
    @Root() { latestRevisionId }: Deployment,
    @Ctx() context: GraphContext,
  ): Promise<Revision | null> {
    return context.load(revisionById, latestRevisionId);
  }

  @FieldResolver(() => EndpointType, {
    description: 'Of the active revision, or of the newest while none was ever active.',
  })
  async endpoint(
    @Root() { activeRevisionId, latestRevisionId }: Deployment,
    @Ctx() context: GraphContext,
  ): Promise<Endpoint | null> {
    const revision = await context.load(revisionById, activeRevisionId ?? latestRevisionId);
    return revision && context.load(endpointById, revision.endpointId);
  }

  @FieldResolver(() => RevisionConnection, { description: 'Newest first.' })
  revisions(
    @Root() { id }: Deployment,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Revision>> {
    return context.load(revisionsOfDeployment, { parent: id, page: pageRequest(page) });
  }

  @FieldResolver(() => ModuleVersionInDeployments, {
    description: 'What it serves now: of the active revision, or of the newest while none was.',
  })
  moduleVersion(@Root() { moduleVersionId }: Deployment): ModuleVersionInDeployments {
    return { id: moduleVersionId };
  }

  @FieldResolver(() => ArtifactInDeployments, {
    nullable: true,
    description: 'The trained model it serves now; null for the weights the module ships.',
  })
  artifact(@Root() { artifactId }: Deployment): ArtifactInDeployments | null {
    return artifactId === null ? null : { id: artifactId };
  }
}
