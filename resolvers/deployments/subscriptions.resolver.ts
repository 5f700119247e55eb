import { Arg, Ctx, FieldResolver, ID, Int, Resolver, Root, Subscription } from 'type-graphql';
import type { Deployment } from '../../domain/deployment.ts';
import type { DeploymentEvent, RecordedEvent } from '../../domain/event.ts';
import { DeploymentType } from '../../schema/deployments/deployment.ts';
import { DeploymentEventType } from '../../schema/deployments/events.ts';
import type { GraphContext } from '../context.ts';
import { deploymentById } from './batches.ts';

interface Subscriber {
  readonly args: { readonly id: string; readonly after: number };
  readonly context: GraphContext;
}

@Resolver()
export class DeploymentSubscriptionResolver {
  @Subscription(() => DeploymentEventType, {
    description:
      'Every event behind `after`, then those to come; completes when the deployment is DELETED.',
    subscribe: ({ args, context }: Subscriber) =>
      context.services.deployments.followEvents(context.actor, args.id, args.after),
  } as never)
  deploymentEvents(
    @Root() event: RecordedEvent<DeploymentEvent>,
    @Arg('id', () => ID) _id: string,
    @Arg('after', () => Int, { defaultValue: 0 }) _after: number,
  ): RecordedEvent<DeploymentEvent> {
    return event;
  }
}

@Resolver(() => DeploymentEventType)
export class DeploymentEventResolver {
  @FieldResolver()
  change(@Root() { event }: RecordedEvent<DeploymentEvent>): object {
    return { ...event };
  }

  @FieldResolver(() => DeploymentType)
  deployment(
    @Root() { aggregateId }: RecordedEvent<DeploymentEvent>,
    @Ctx() context: GraphContext,
  ): Promise<Deployment | null> {
    return context.load(deploymentById, aggregateId);
  }
}
