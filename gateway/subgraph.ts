import type { DocumentNode, GraphQLResolveInfo, GraphQLScalarType } from 'graphql';

/**
 * One Federation 2 subgraph: what it says (SDL with `@link`) and who answers. The gateway knows nothing else of it, so the
 * very same value is merged in process, planned in process, or served by a process of its own.
 */
export interface Subgraph {
  /** Lower case, unique in a graph; it becomes the name in the supergraph. */
  readonly name: string;
  readonly typeDefs: DocumentNode;
  readonly resolvers: Resolvers;
}

/** By type name: a field map, a scalar, or (for an enum) its inner values by name. */
export type Resolvers = Readonly<Record<string, TypeResolvers | GraphQLScalarType>>;

/** By field name; `__resolveReference`, `__resolveType` and `__isTypeOf` stand beside the fields. */
export type TypeResolvers = Readonly<Record<string, unknown>>;

export type FieldResolver = (
  source: unknown,
  args: Record<string, unknown>,
  context: unknown,
  info: GraphQLResolveInfo,
) => unknown;

/** May block on I/O; batching is the resolver's own, by a loader in the context. Null means: there is no such entity. */
export type ReferenceResolver = (
  reference: Readonly<Record<string, unknown>>,
  context: unknown,
  info: GraphQLResolveInfo,
) => unknown;

export type TypeNameResolver = (
  value: unknown,
  context: unknown,
  info: GraphQLResolveInfo,
  type: unknown,
) => unknown;
