import { getOperationAST, getVariableValues } from 'graphql';
import type { DocumentNode, GraphQLError, GraphQLSchema } from 'graphql';

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
