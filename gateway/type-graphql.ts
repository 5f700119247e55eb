import 'reflect-metadata';
import { getDocumentNodeFromSchema } from '@graphql-tools/utils';
import {
  Kind,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  parse,
  visit,
} from 'graphql';
import type { DocumentNode, GraphQLSchema } from 'graphql';
import { buildSchemaSync, createResolversMap, getMetadataStorage } from 'type-graphql';
import type { NonEmptyArray, PubSub } from 'type-graphql';
import type { Subgraph, TypeNameResolver, TypeResolvers } from './subgraph.ts';

/** A subgraph as type-graphql classes. */
export interface SubgraphClasses {
  readonly name: string;
  readonly resolvers: readonly Function[];
  /** Classes that no field mentions: types that are met only behind an interface. */
  readonly orphanedTypes?: readonly Function[];
  /** By type name. `null` means: no such entity. */
  readonly references?: Readonly<Record<string, (reference: never, context: never) => unknown>>;
}

const FEDERATION = 'https://specs.apollo.dev/federation/v2.7';

/**
 * Only what the subgraph's own resolvers reach (and `orphanedTypes`) is in the SDL, although type-graphql's metadata is global
 * to the process: another subgraph's stub of the same name never leaks in. The SDL is sorted, with descriptions and
 * federation directives. Not re-entrant, as type-graphql is not; it runs synchronously.
 */
export function buildSubgraph(classes: SubgraphClasses): Subgraph {
  const { name, resolvers, orphanedTypes = [], references = {} } = classes;
  const [first, ...others] = resolvers;
  if (first === undefined) throw new Error(`Subgraph ${name} has no resolver classes.`);
  // An interface of several subgraphs would pull in the implementers of all of them, stubs of one name included.
  for (const metadata of getMetadataStorage().interfaceTypes)
    metadata.autoRegisteringDisabled = true;
  const whole = buildSchemaSync({
    resolvers: [first, ...others] as NonEmptyArray<Function>,
    orphanedTypes: [...orphanedTypes],
    validate: false,
    pubSub: NO_PUB_SUB,
  });
  const schema = lexicographicSortSchema(whole);
  return {
    name,
    typeDefs: federated(getDocumentNodeFromSchema(schema)),
    resolvers: resolversOf(whole, references, name),
  };
}

/** Subscriptions of ours follow the event log through `subscribe`; type-graphql insists on a hub all the same. */
const NO_PUB_SUB: PubSub = {
  publish() {
    throw new Error('Events are published by writing them to the event log.');
  },
  subscribe() {
    throw new Error('A subscription gives its own source by `subscribe`.');
  },
};

const IMPORTABLE = new Set([
  'authenticated',
  'composeDirective',
  'external',
  'extends',
  'inaccessible',
  'interfaceObject',
  'key',
  'override',
  'policy',
  'provides',
  'requires',
  'requiresScopes',
  'shareable',
  'tag',
]);

function federated(document: DocumentNode): DocumentNode {
  const used = new Set<string>();
  visit(document, {
    Directive: ({ name }) => {
      if (IMPORTABLE.has(name.value)) used.add(`"@${name.value}"`);
    },
  });
  const imports = [...used].toSorted().join(', ');
  const link = parse(`extend schema @link(url: "${FEDERATION}", import: [${imports}])`, {
    noLocation: true,
  });
  const definitions = document.definitions.filter(
    (it) => it.kind !== Kind.SCHEMA_DEFINITION && it.kind !== Kind.DIRECTIVE_DEFINITION,
  );
  return { kind: Kind.DOCUMENT, definitions: [...link.definitions, ...definitions] };
}

function resolversOf(
  schema: GraphQLSchema,
  references: NonNullable<SubgraphClasses['references']>,
  subgraph: string,
): Subgraph['resolvers'] {
  const map: Record<string, Subgraph['resolvers'][string]> = {};
  for (const [type, entry] of Object.entries(createResolversMap(schema))) {
    if (isScalarType(entry)) {
      if (!isSpecifiedScalarType(entry)) map[type] = entry;
      continue;
    }
    const fields: Record<string, unknown> = { ...(entry as TypeResolvers) };
    // Rows are plain objects: type-graphql's `instanceof` check would refuse them.
    delete fields['__isTypeOf'];
    if ('__resolveType' in fields) fields['__resolveType'] = typeNamerOf(type);
    if (Object.keys(fields).length > 0) map[type] = fields;
  }
  for (const [type, resolve] of Object.entries(references)) {
    if (!isObjectType(schema.getType(type))) {
      throw new Error(
        `Subgraph ${subgraph} resolves references to ${type}, which it does not have.`,
      );
    }
    map[type] = { ...(map[type] as TypeResolvers | undefined), __resolveReference: resolve };
  }
  return map;
}

/**
 * The name of a member's type: its own `__typename`, else what the decorators say. Synchronous, where type-graphql's own
 * resolver is not: a compiled document cannot wait for the type of an object.
 */
function typeNamerOf(abstract: string): TypeNameResolver {
  const { unions, interfaceTypes, objectTypes } = getMetadataStorage();
  const nameOf = (named: unknown): unknown =>
    typeof named === 'function' ? objectTypes.find((it) => it.target === named)?.name : named;
  const union = unions.find((it) => it.name === abstract);
  const face = interfaceTypes.find((it) => it.name === abstract);
  const members: readonly Function[] =
    union?.getClassTypes() ??
    objectTypes.flatMap(({ target, interfaceClasses }) =>
      interfaceClasses?.some((it) => it === face?.target) === true ? [target] : [],
    );
  const decorated = (union ?? face)?.resolveType as TypeNameResolver | undefined;
  return (value, context, info, type) => {
    const own: unknown = Reflect.get(Object(value), '__typename');
    if (typeof own === 'string') return own;
    if (decorated === undefined) return nameOf(members.find((it) => value instanceof it));
    const named = decorated(value, context, info, type);
    return named instanceof Promise ? named.then(nameOf) : nameOf(named);
  };
}
