import {
  getOperationAST,
  getVariableValues,
  isInputObjectType,
  isListType,
  isNonNullType,
  typeFromAST,
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
 * The variables with the defaults of input fields written out. Compiled execution refuses a non-null field that was left out
 * although it has a default.
 */
export function withDefaults(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...variables };
  for (const { variable, type } of getOperationAST(document)?.variableDefinitions ?? []) {
    const name = variable.name.value;
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
