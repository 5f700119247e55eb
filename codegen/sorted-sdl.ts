import { type ASTNode, type DocumentNode, Kind, print, visit } from 'graphql';

/** A document as text that depends on what it says alone: everything GraphQL leaves unordered is sorted by name. */
export function sortedSdl(document: DocumentNode): string {
  const sorted = visit(document, {
    leave(node) {
      return sortedNode(node);
    },
  });
  return `${print(sorted)}\n`;
}

function sortedNode(node: ASTNode): ASTNode {
  switch (node.kind) {
    case Kind.DOCUMENT:
      return { ...node, definitions: byKey(node.definitions) };
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_EXTENSION:
      return {
        ...node,
        interfaces: byKey(node.interfaces ?? []),
        fields: byKey(node.fields ?? []),
        directives: byKey(node.directives ?? []),
      };
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      return { ...node, fields: byKey(node.fields ?? []) };
    case Kind.FIELD_DEFINITION:
      return {
        ...node,
        arguments: byKey(node.arguments ?? []),
        directives: byKey(node.directives ?? []),
      };
    case Kind.UNION_TYPE_DEFINITION:
      return {
        ...node,
        types: byKey(node.types ?? []),
        directives: byKey(node.directives ?? []),
      };
    case Kind.ENUM_TYPE_DEFINITION:
      return {
        ...node,
        values: byKey(node.values ?? []),
        directives: byKey(node.directives ?? []),
      };
    case Kind.SCALAR_TYPE_DEFINITION:
    case Kind.SCHEMA_DEFINITION:
    case Kind.SCHEMA_EXTENSION:
      return { ...node, directives: byKey(node.directives ?? []) };
    case Kind.DIRECTIVE_DEFINITION:
      return {
        ...node,
        arguments: byKey(node.arguments ?? []),
        locations: node.locations.toSorted((a, b) => compare(a.value, b.value)),
      };
    default:
      return node;
  }
}

function byKey<N extends ASTNode>(nodes: readonly N[]): N[] {
  return nodes
    .map((node) => ({ node, key: keyOf(node) }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ node }) => node);
}

/** The schema first, directives next, then by name; uses of directives by name and arguments. */
function keyOf(node: ASTNode): string {
  if (node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION) return '0';
  if (node.kind === Kind.DIRECTIVE) return print(node);
  const name = 'name' in node && node.name !== undefined ? node.name.value : '';
  return `${node.kind === Kind.DIRECTIVE_DEFINITION ? '1' : '2'} ${name}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
