import { Kind, print } from 'graphql';
import type { DefinitionNode, DocumentNode, FieldDefinitionNode } from 'graphql';

interface Named {
  readonly name: string;
  readonly typeDefs: DocumentNode;
}

/** One statement of one subgraph about one element of the graph, for instance `Module.title` has the description "…". */
interface Statement {
  readonly subgraph: string;
  readonly said: string;
}

/**
 * What composes, and yet says two things at once: descriptions, nullability, enum values, input fields, arguments and union
 * members of an element that several subgraphs define. The composition library decides such cases in silence.
 */
export function hintsFor(subgraphs: readonly Named[]): string[] {
  const statements = new Map<string, Statement[]>();
  for (const { name, typeDefs } of subgraphs) {
    for (const definition of typeDefs.definitions) {
      for (const [element, said] of statementsOf(definition)) {
        const list = statements.get(element) ?? [];
        list.push({ subgraph: name, said });
        statements.set(element, list);
      }
    }
  }
  const hints: string[] = [];
  for (const [element, list] of statements) {
    const [first] = list;
    const other = list.find((it) => it.said !== first?.said);
    if (first === undefined || other === undefined) continue;
    hints.push(
      `${element} is "${first.said}" in ${first.subgraph} and "${other.said}" in ${other.subgraph}.`,
    );
  }
  return hints.toSorted();
}

function* statementsOf(definition: DefinitionNode): Iterable<[string, string]> {
  switch (definition.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.OBJECT_TYPE_EXTENSION:
    case Kind.INTERFACE_TYPE_DEFINITION: {
      const type = definition.name.value;
      if ('description' in definition) yield* described(type, definition.description?.value);
      for (const field of definition.fields ?? []) yield* fieldStatements(type, field);
      const isEntity = definition.directives?.some((it) => it.name.value === 'key') ?? false;
      const isRoot = ['Query', 'Mutation', 'Subscription'].includes(type);
      if (!isEntity && !isRoot) yield [`The set of fields of ${type}`, namesOf(definition.fields)];
      return;
    }
    case Kind.INPUT_OBJECT_TYPE_DEFINITION: {
      const type = definition.name.value;
      yield* described(type, definition.description?.value);
      yield [`The set of fields of ${type}`, namesOf(definition.fields)];
      for (const field of definition.fields ?? []) {
        yield [`The type of ${type}.${field.name.value}`, print(field.type)];
      }
      return;
    }
    case Kind.ENUM_TYPE_DEFINITION:
      yield* described(definition.name.value, definition.description?.value);
      yield [`The set of values of ${definition.name.value}`, namesOf(definition.values)];
      return;
    case Kind.UNION_TYPE_DEFINITION:
      yield* described(definition.name.value, definition.description?.value);
      yield [
        `The set of members of ${definition.name.value}`,
        (definition.types ?? [])
          .map((it) => it.name.value)
          .toSorted()
          .join(' '),
      ];
      return;
    case Kind.SCALAR_TYPE_DEFINITION:
      yield* described(definition.name.value, definition.description?.value);
      return;
    default:
  }
}

function* fieldStatements(type: string, field: FieldDefinitionNode): Iterable<[string, string]> {
  const element = `${type}.${field.name.value}`;
  yield* described(element, field.description?.value);
  yield [`The type of ${element}`, print(field.type)];
  yield [`The set of arguments of ${element}`, namesOf(field.arguments)];
  const deprecated = field.directives?.find((it) => it.name.value === 'deprecated');
  yield [`The deprecation of ${element}`, deprecated === undefined ? '' : print(deprecated)];
}

function* described(element: string, text: string | undefined): Iterable<[string, string]> {
  if (text !== undefined && text !== '') yield [`The description of ${element}`, text];
}

function namesOf(
  nodes: readonly { readonly name: { readonly value: string } }[] | undefined,
): string {
  return (nodes ?? [])
    .map((it) => it.name.value)
    .toSorted()
    .join(' ');
}
