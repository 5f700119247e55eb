import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { ModuleConnection } from '../../schema/modules/module.ts';
import {
  ModuleFacetCounts,
  ModuleFacetEnum,
  type ModuleFacetName,
  moduleFacetNames,
} from '../../schema/modules/module-list.ts';
import type { CatalogueQuery } from '../../services/modules/module-catalogue.ts';
import type { GraphContext } from '../context.ts';
import { facetLimit } from './decode.ts';

@Resolver(() => ModuleConnection)
export class FacetsResolver {
  @FieldResolver(() => [ModuleFacetCounts], {
    description:
      "Counts within this search and filter, whatever the page; a facet's own choice is left out, so that its alternatives keep their counts.",
  })
  async facets(
    @Root() { query }: { readonly query: CatalogueQuery },
    @Ctx() { actor, services }: GraphContext,
    @Arg('names', () => [ModuleFacetEnum], { nullable: true, description: 'All when left out.' })
    names?: readonly ModuleFacetName[] | null,
    @Arg('limit', () => Int, { defaultValue: 10, description: 'Values a facet, 1 to 100.' })
    limit = 10,
  ): Promise<readonly ModuleFacetCounts[]> {
    const asked = names ?? moduleFacetNames;
    const counts = await services.modules.facets(actor, query, asked, facetLimit(limit));
    return asked.map((facet) => ({ facet, values: counts.get(facet) ?? [] }));
  }
}
