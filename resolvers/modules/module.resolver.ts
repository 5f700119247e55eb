import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Module, ModuleVersion } from '../../domain/module.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { ModulesArgs } from '../../schema/modules/module-list.ts';
import { ModuleVersionConnection, ModuleVersionType } from '../../schema/modules/module-version.ts';
import { ModuleConnection, ModuleType } from '../../schema/modules/module.ts';
import { RefreshCatalogueInput, RefreshCataloguePayload } from '../../schema/modules/refresh.ts';
import type { CatalogueQuery } from '../../services/modules/module-catalogue.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { moduleVersionById, versionsOfModule } from './batches.ts';
import { catalogueQuery, moduleKey } from './decode.ts';

@Resolver(() => ModuleType)
export class ModuleResolver {
  @Query(() => ModuleType, {
    nullable: true,
    description: 'By id or by slug: give exactly one.',
  })
  module(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID, { nullable: true }) id?: string,
    @Arg('slug', () => String, { nullable: true }) slug?: string,
  ): Promise<Module | null> {
    const key = moduleKey(id, slug);
    return 'id' in key
      ? services.modules.get(actor, key.id)
      : services.modules.bySlug(actor, key.slug);
  }

  @Query(() => ModuleConnection, { description: 'The catalogue: searched, filtered, counted.' })
  async modules(
    @Ctx() { actor, services }: GraphContext,
    @Args(() => ModulesArgs) args: ModulesArgs,
  ): Promise<Connection<Module> & { readonly query: CatalogueQuery }> {
    const query = catalogueQuery(args);
    const page = await services.modules.page(actor, query, pageRequest(args));
    return { ...connection(page, () => services.modules.count(actor, query)), query };
  }

  @Mutation(() => RefreshCataloguePayload, {
    description:
      'Reads the catalogue folders again: new and changed modules are listed, changed code becomes a new version. Repeating it changes nothing.',
  })
  refreshCatalogue(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => RefreshCatalogueInput) { slugs }: RefreshCatalogueInput,
  ) {
    return outcome('refresh', services.modules.refresh(actor, slugs ?? null));
  }

  @FieldResolver(() => Boolean, { description: 'No finding is an ERROR.' })
  valid(@Root() { findings }: Module): boolean {
    return findings.every((finding) => finding.severity !== 'ERROR');
  }

  @FieldResolver(() => ModuleVersionType, {
    nullable: true,
    description: 'The newest code; null while none could be described.',
  })
  async latestVersion(
    @Root() { latestVersionId }: Module,
    @Ctx() context: GraphContext,
  ): Promise<ModuleVersion | null> {
    return latestVersionId === null ? null : context.load(moduleVersionById, latestVersionId);
  }

  @FieldResolver(() => ModuleVersionConnection, { description: 'Newest first.' })
  versions(
    @Root() module: Module,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<ModuleVersion>> {
    return context.load(versionsOfModule, { parent: module.id, page: pageRequest(page) });
  }
}
