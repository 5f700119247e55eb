import { Kind, OperationTypeNode, getNamedType, getOperationAST, visit } from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  GraphQLSchema,
  OperationDefinitionNode,
  ValueNode,
} from 'graphql';

/** By the API's convention a subscription says where it begins in the argument `after` of its one field, and nothing else there. */
const CURSOR = 'after';
const VARIABLE = 'fathomAfter';

/** A subscription, and apart from it where it begins. */
export interface Cursor {
  readonly after: number;
  /** The same object for the same document: whoever begins elsewhere differs in one variable only. */
  readonly document: DocumentNode;
  readonly variablesAt: (after: number) => Readonly<Record<string, unknown>>;
}

/** Null: it does not say by a number where it begins. */
export function cursorIn(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): Cursor | null {
  const beginning = beginningOf(document);
  if (beginning === null) return null;
  const field = schema.getSubscriptionType()?.getFields()[beginning.field.name.value];
  const argument = field?.args.find(({ name }) => name === CURSOR);
  if (argument === undefined || getNamedType(argument.type).name !== 'Int') return null;
  const given = valueOf(beginning, variables);
  const after: unknown = given === undefined ? argument.defaultValue : given;
  if (typeof after !== 'number' || !Number.isSafeInteger(after)) return null;
  const rest = without(variables, beginning.variable);
  return {
    after,
    document: beginning.moved,
    variablesAt: (position) => ({ ...rest, [VARIABLE]: position }),
  };
}

/** The variables without the one that says nothing but where the subscription begins. */
export function variablesBesideCursor(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return without(variables, beginningOf(document)?.variable ?? null);
}

interface Beginning {
  readonly field: FieldNode;
  readonly operation: OperationDefinitionNode;
  readonly value: ValueNode | null;
  /** The variable that stands there, and nowhere else. */
  readonly variable: string | null;
  /** The document with a variable of ours in its place. */
  readonly moved: DocumentNode;
}

const beginnings = new WeakMap<DocumentNode, Beginning | null>();

function beginningOf(document: DocumentNode): Beginning | null {
  let known = beginnings.get(document);
  if (known === undefined) {
    known = readBeginning(document);
    beginnings.set(document, known);
  }
  return known;
}

function readBeginning(document: DocumentNode): Beginning | null {
  const operation = getOperationAST(document);
  const [field, second] = operation?.selectionSet.selections ?? [];
  if (operation?.operation !== OperationTypeNode.SUBSCRIPTION || second !== undefined) return null;
  if (field?.kind !== Kind.FIELD) return null;
  if (operation.variableDefinitions?.some((it) => it.variable.name.value === VARIABLE)) return null;
  const value = field.arguments?.find(({ name }) => name.value === CURSOR)?.value ?? null;
  const named = value?.kind === Kind.VARIABLE ? value.name.value : null;
  const variable = named !== null && uses(document, named) === 1 ? named : null;
  return { field, operation, value, variable, moved: moved(document, operation, field, variable) };
}

/** Where it is used, its definition aside. */
function uses(document: DocumentNode, variable: string): number {
  let count = 0;
  visit(document, {
    Variable: ({ name }) => void (count += Number(name.value === variable)),
    VariableDefinition: () => false,
  });
  return count;
}

function moved(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  field: FieldNode,
  variable: string | null,
): DocumentNode {
  const name = { kind: Kind.NAME, value: VARIABLE } as const;
  const own = { kind: Kind.VARIABLE, name } as const;
  const others = (field.arguments ?? []).filter((it) => it.name.value !== CURSOR);
  const asked: FieldNode = {
    ...field,
    arguments: [
      ...others,
      { kind: Kind.ARGUMENT, name: { kind: Kind.NAME, value: CURSOR }, value: own },
    ],
  };
  const int = { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'Int' } } as const;
  const definitions = (operation.variableDefinitions ?? []).filter(
    (it) => it.variable.name.value !== variable,
  );
  const whole: OperationDefinitionNode = {
    ...operation,
    variableDefinitions: [
      ...definitions,
      {
        kind: Kind.VARIABLE_DEFINITION,
        variable: own,
        type: { kind: Kind.NON_NULL_TYPE, type: int },
      },
    ],
    selectionSet: { ...operation.selectionSet, selections: [asked] },
  };
  return {
    ...document,
    definitions: document.definitions.map((it) => (it === operation ? whole : it)),
  };
}

function valueOf(
  { value, operation }: Beginning,
  variables: Readonly<Record<string, unknown>>,
): unknown {
  if (value === null) return undefined;
  if (value.kind === Kind.INT) return Number(value.value);
  if (value.kind !== Kind.VARIABLE) return null;
  const given = variables[value.name.value];
  if (given !== undefined) return given;
  const definition = operation.variableDefinitions?.find(
    (it) => it.variable.name.value === value.name.value,
  );
  return definition?.defaultValue?.kind === Kind.INT
    ? Number(definition.defaultValue.value)
    : undefined;
}

function without(
  variables: Readonly<Record<string, unknown>>,
  name: string | null,
): Readonly<Record<string, unknown>> {
  if (name === null || !(name in variables)) return variables;
  return Object.fromEntries(Object.entries(variables).filter(([key]) => key !== name));
}
