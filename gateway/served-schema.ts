import { buildSubgraphSchema } from '@apollo/subgraph';
import { isScalarType } from 'graphql';
import type { GraphQLSchema } from 'graphql';
import type { ReferenceResolver, Subgraph } from './subgraph.ts';

/** The schema that answers a planner: the subgraph's own, with `_service` and `_entities`. */
export function servedSchema({ typeDefs, resolvers }: Subgraph): GraphQLSchema {
  const served = Object.fromEntries(
    Object.entries(resolvers).map(([type, entry]) => {
      if (isScalarType(entry)) return [type, entry];
      const resolve = entry['__resolveReference'];
      return typeof resolve === 'function'
        ? [type, { ...entry, __resolveReference: copying(resolve as ReferenceResolver) }]
        : [type, entry];
    }),
  );
  return buildSubgraphSchema([{ typeDefs, resolvers: served as never }]);
}

/** The library writes `__typename` on what it is given; a frozen row, or one that is shared between answers, stays as it is. */
function copying(resolve: ReferenceResolver): ReferenceResolver {
  return async (reference, context, info) => {
    const found = await resolve(reference, context, info);
    if (typeof found !== 'object' || found === null) return null;
    return Object.assign(Object.create(Object.getPrototypeOf(found) as object | null), found);
  };
}
