import { Ctx, FieldResolver, Query, Resolver, Root } from 'type-graphql';
import { BackendHealthType, BackendType } from '../../schema/training/backend.ts';
import type { GraphContext } from '../context.ts';

@Resolver(() => BackendType)
export class BackendResolver {
  @Query(() => [BackendType], { description: 'The places where this installation runs things.' })
  backends(@Ctx() { actor, services }: GraphContext) {
    return services.trainingRuns.sites.all(actor);
  }

  @FieldResolver(() => BackendHealthType, {
    description: 'Looked at now, within two seconds; none waits for another.',
  })
  health(@Root() { name }: { readonly name: string }, @Ctx() { actor, services }: GraphContext) {
    return services.trainingRuns.sites.health(actor, name);
  }
}
