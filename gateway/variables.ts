import {
  getOperationAST,
  getVariableValues,
  isInputObjectType,
  isListType,
  isNonNullType,
  typeFromAST,
  valueFromASTUntyped,
} from 'graphql';
import type { DocumentNode, GraphQLError, GraphQLInputType, GraphQLSchema } from 'graphql';

/** Checks an operation's variables by graphql itself, so that every executor refuses them in the same words. */
export function coerce(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): { readonly errors?: readonly GraphQLError[] } {
  const definitions = getOperationAST(document)?.variableDefinitions ?? [];
  if (definitions.length === 0) return {};
  const { errors } = getVariableValues(schema, definitions, variables, { maxErrors: 20 });
  return errors === undefined ? {} : { errors };
}

/**
 * The variables with their own defaults and those of input fields written out. Compiled execution refuses what is non-null
 * and was left out, although it has a default.
 */
export function withDefaults(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...variables };
  const definitions = getOperationAST(document)?.variableDefinitions ?? [];
  for (const { variable, type, defaultValue } of definitions) {
    const name = variable.name.value;
    if (filled[name] === undefined && defaultValue !== undefined) {
      filled[name] = valueFromASTUntyped(defaultValue);
    }
    const declared = typeFromAST(schema, type as never) as GraphQLInputType | undefined;
    if (declared !== undefined && filled[name] != null) filled[name] = fill(declared, filled[name]);
  }
  return filled;
}

function fill(type: GraphQLInputType, value: unknown): unknown {
  if (value == null) return value;
  if (isNonNullType(type)) return fill(type.ofType, value);
  if (isListType(type)) {
    return Array.isArray(value)
      ? value.map((it) => fill(type.ofType, it))
      : fill(type.ofType, value);
  }
  if (!isInputObjectType(type) || typeof value !== 'object') return value;
  const object: Record<string, unknown> = { ...value };
  for (const field of Object.values(type.getFields())) {
    if (object[field.name] === undefined) {
      if (field.defaultValue !== undefined) object[field.name] = field.defaultValue;
    } else object[field.name] = fill(field.type, object[field.name]);
  }
  return object;
}

/** Two objects that differ only in the order of their keys are the same variables, and are written alike from here. */
export function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return entries.map(([name, inner]) => [name, inOrder(inner)]);
}
