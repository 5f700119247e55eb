import { Arg, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import { ModuleVersionType } from '../../schema/modules/module-version.ts';
import { ModuleType } from '../../schema/modules/module.ts';
import type { GraphContext } from '../context.ts';
import { moduleById } from './batches.ts';

@Resolver(() => ModuleVersionType)
export class ModuleVersionResolver {
  @Query(() => ModuleVersionType, { nullable: true })
  moduleVersion(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<ModuleVersion | null> {
    return services.modules.version(actor, id);
  }

  @FieldResolver(() => ModuleType)
  module(
    @Root() { moduleId }: ModuleVersion,
    @Ctx() context: GraphContext,
  ): Promise<Module | null> {
    return context.load(moduleById, moduleId);
  }
}
