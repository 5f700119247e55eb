import { Kind, parse } from 'graphql';
import type { ConstDirectiveNode, ConstValueNode, DocumentNode } from 'graphql';

/** Which subgraphs answer a field, read from a supergraph. */
export interface FieldOwners {
  /** Names of subgraphs that can answer `type.field`. */
  owners(type: string, field: string): ReadonlySet<string>;
  /** The subgraph's name for a planner's, which writes it as an enum value. */
  subgraph(graph: string): string;
}

/** Reads `join__graph`, `join__type` and `join__field`. */
export function fieldOwnersIn(supergraphSdl: string): FieldOwners {
  const document: DocumentNode = parse(supergraphSdl, { noLocation: true });
  const names = new Map<string, string>();
  const fields = new Map<string, Set<string>>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.ENUM_TYPE_DEFINITION && definition.name.value === 'join__Graph') {
      for (const value of definition.values ?? []) {
        const graph = value.directives?.find((it) => it.name.value === 'join__graph');
        names.set(value.name.value, text(graph, 'name') ?? value.name.value);
      }
    }
  }
  for (const definition of document.definitions) {
    if (
      definition.kind !== Kind.OBJECT_TYPE_DEFINITION &&
      definition.kind !== Kind.INTERFACE_TYPE_DEFINITION
    ) {
      continue;
    }
    const ofType = graphsIn(definition.directives, 'join__type');
    for (const field of definition.fields ?? []) {
      const ofField = graphsIn(field.directives, 'join__field');
      const graphs = ofField.length === 0 ? ofType : ofField;
      fields.set(
        `${definition.name.value}.${field.name.value}`,
        new Set(graphs.map((it) => names.get(it) ?? it)),
      );
    }
  }
  const none: ReadonlySet<string> = new Set();
  const byEitherName = new Map([...names, ...[...names.values()].map((it) => [it, it] as const)]);
  return {
    owners: (type, field) => fields.get(`${type}.${field}`) ?? none,
    subgraph: (graph) => byEitherName.get(graph) ?? graph,
  };
}

function graphsIn(directives: readonly ConstDirectiveNode[] | undefined, name: string): string[] {
  return (directives ?? []).flatMap((it) => {
    if (it.name.value !== name) return [];
    const external = argument(it, 'external');
    if (external?.kind === Kind.BOOLEAN && external.value) return [];
    const graph = text(it, 'graph');
    return graph === undefined ? [] : [graph];
  });
}

function text(directive: ConstDirectiveNode | undefined, name: string): string | undefined {
  const value = argument(directive, name);
  return value?.kind === Kind.ENUM || value?.kind === Kind.STRING ? value.value : undefined;
}

function argument(
  directive: ConstDirectiveNode | undefined,
  name: string,
): ConstValueNode | undefined {
  return directive?.arguments?.find((it) => it.name.value === name)?.value;
}
