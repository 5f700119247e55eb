import { Kind, parse } from 'graphql';
import type {
  ConstDirectiveNode,
  ConstValueNode,
  DefinitionNode,
  FieldDefinitionNode,
  SelectionSetNode,
  TypeNode,
} from 'graphql';
import type { Subgraph } from './subgraph.ts';

/** What one subgraph says of one composite type, with the federation directives read. */
export interface TypeShape {
  readonly name: string;
  readonly kind: 'object' | 'interface' | 'union';
  readonly fields: ReadonlyMap<string, FieldShape>;
  readonly keys: readonly Key[];
  /** Of a union its members, of an interface its implementers in this subgraph. */
  readonly members: readonly string[];
}

export interface FieldShape {
  readonly name: string;
  /** The named type behind lists and non-nulls. */
  readonly type: string;
  /** Said here only so that keys can name it; answered elsewhere. */
  readonly external: boolean;
}

export interface Key {
  readonly selection: readonly KeyField[];
  readonly resolvable: boolean;
}

export interface KeyField {
  readonly name: string;
  readonly nested: readonly KeyField[];
}

export type Shapes = ReadonlyMap<string, TypeShape>;

/** The merged graph cannot carry what the subgraphs ask for; the sentence names type and field. */
export class MergeError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `The subgraphs cannot be merged in process.\n${problems.map((it) => `  ${it}`).join('\n')}`,
    );
    this.name = 'MergeError';
    this.problems = problems;
  }
}

const REFUSED = ['requires', 'provides', 'override', 'interfaceObject', 'context', 'fromContext'];

/** The composite types of a subgraph. Throws `MergeError` on a directive that the merge has not learnt. */
export function shapesOf(subgraph: Subgraph): Shapes {
  const problems: string[] = [];
  const shapes = new Map<string, TypeShape>();
  for (const definition of subgraph.typeDefs.definitions) {
    const shape = shapeOf(definition, subgraph.name, problems);
    if (shape === undefined) continue;
    const known = shapes.get(shape.name);
    shapes.set(shape.name, known === undefined ? shape : joinShapes(known, shape));
  }
  for (const definition of subgraph.typeDefs.definitions) {
    for (const name of interfacesOf(definition)) {
      const shape = shapes.get(name);
      const member = 'name' in definition ? definition.name?.value : undefined;
      if (shape === undefined || member === undefined) continue;
      shapes.set(name, { ...shape, members: [...shape.members, member] });
    }
  }
  if (problems.length > 0) throw new MergeError(problems);
  return shapes;
}

function shapeOf(
  definition: DefinitionNode,
  subgraph: string,
  problems: string[],
): TypeShape | undefined {
  switch (definition.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_EXTENSION: {
      const name = definition.name.value;
      refuse(definition.directives, `Type ${name} of subgraph ${subgraph}`, problems);
      const fields = new Map<string, FieldShape>();
      const allExternal = has(definition.directives, 'external');
      for (const field of definition.fields ?? []) {
        refuse(
          field.directives,
          `Field ${name}.${field.name.value} of subgraph ${subgraph}`,
          problems,
        );
        fields.set(field.name.value, fieldShape(field, allExternal));
      }
      const isObject =
        definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
        definition.kind === Kind.OBJECT_TYPE_EXTENSION;
      const keys = (definition.directives ?? []).flatMap((it) => keyOf(it));
      if (!isObject && keys.length > 0) {
        problems.push(
          `Type ${name} of subgraph ${subgraph} is an interface with @key, which only a planner can carry.`,
        );
      }
      return { name, kind: isObject ? 'object' : 'interface', fields, keys, members: [] };
    }
    case Kind.UNION_TYPE_DEFINITION:
    case Kind.UNION_TYPE_EXTENSION:
      return {
        name: definition.name.value,
        kind: 'union',
        fields: new Map(),
        keys: [],
        members: (definition.types ?? []).map((it) => it.name.value),
      };
    default:
      return undefined;
  }
}

function joinShapes(left: TypeShape, right: TypeShape): TypeShape {
  return {
    ...left,
    fields: new Map([...left.fields, ...right.fields]),
    keys: [...left.keys, ...right.keys],
    members: [...left.members, ...right.members],
  };
}

function interfacesOf(definition: DefinitionNode): readonly string[] {
  if (
    definition.kind !== Kind.OBJECT_TYPE_DEFINITION &&
    definition.kind !== Kind.OBJECT_TYPE_EXTENSION
  ) {
    return [];
  }
  return (definition.interfaces ?? []).map((it) => it.name.value);
}

function fieldShape(field: FieldDefinitionNode, allExternal: boolean): FieldShape {
  return {
    name: field.name.value,
    type: namedType(field.type),
    external: allExternal || has(field.directives, 'external'),
  };
}

function namedType(type: TypeNode): string {
  return type.kind === Kind.NAMED_TYPE ? type.name.value : namedType(type.type);
}

function keyOf(directive: ConstDirectiveNode): Key[] {
  if (localName(directive) !== 'key') return [];
  const fields = argument(directive, 'fields');
  if (fields?.kind !== Kind.STRING) return [];
  const resolvable = argument(directive, 'resolvable');
  const [operation] = parse(`{ ${fields.value} }`, { noLocation: true }).definitions;
  if (operation?.kind !== Kind.OPERATION_DEFINITION) return [];
  return [
    {
      selection: keyFields(operation.selectionSet),
      resolvable: !(resolvable?.kind === Kind.BOOLEAN && !resolvable.value),
    },
  ];
}

function keyFields(set: SelectionSetNode): KeyField[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind !== Kind.FIELD || selection.name.value === '__typename') return [];
    const nested = selection.selectionSet === undefined ? [] : keyFields(selection.selectionSet);
    return [{ name: selection.name.value, nested }];
  });
}

function refuse(
  directives: readonly ConstDirectiveNode[] | undefined,
  element: string,
  problems: string[],
): void {
  for (const name of REFUSED) {
    if (has(directives, name)) {
      problems.push(`${element} uses @${name}, which only a planner can carry.`);
    }
  }
}

function has(directives: readonly ConstDirectiveNode[] | undefined, name: string): boolean {
  return directives?.some((it) => localName(it) === name) ?? false;
}

/** A directive that was not imported by `@link` is spelt with its namespace. */
function localName(directive: ConstDirectiveNode): string {
  const name = directive.name.value;
  return name.startsWith('federation__') ? name.slice('federation__'.length) : name;
}

function argument(directive: ConstDirectiveNode, name: string): ConstValueNode | undefined {
  return directive.arguments?.find((it) => it.name.value === name)?.value;
}
