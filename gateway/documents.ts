import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  parse,
  print,
  separateOperations,
  specifiedRules,
  validate,
} from 'graphql';
import type { DocumentNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { Limits } from './limits.ts';
import { measure, overPageLimits, overStaticLimits } from './measure.ts';
import type { Measure } from './measure.ts';

/** A document that may run: parsed, inside the limits, valid, and cut to the one operation that was chosen. */
export interface Prepared {
  readonly query: string;
  readonly document: DocumentNode;
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly measure: Measure;
  /** Values of variables that the operation itself supplies. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

export interface DocumentsOptions {
  readonly schema: GraphQLSchema;
  readonly limits: Limits;
  /** Off: `__schema` and `__type` are refused, and error messages suggest no names. */
  readonly introspection: boolean;
}

/** Parses, bounds and validates, before anything runs; the bounds come first, since validation itself can be made slow. */
export class Documents {
  readonly #options: DocumentsOptions;
  readonly #cache = new Map<string, Prepared>();
  #cachedBytes = 0;

  constructor(options: DocumentsOptions) {
    this.#options = options;
  }

  prepare(query: string, operationName?: string | null): Prepared | readonly GraphQLError[] {
    const key = `${operationName ?? ''}\n${query}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      this.#cache.delete(key);
      this.#cache.set(key, cached);
      return cached;
    }
    const prepared = this.#prepare(query, operationName ?? undefined);
    if ('document' in prepared) this.#remember(key, prepared);
    return prepared;
  }

  /** The bounds that depend on variables. */
  check(prepared: Prepared, variables: Readonly<Record<string, unknown>>): GraphQLError[] {
    return overPageLimits(
      prepared.measure,
      { ...prepared.defaults, ...variables },
      this.#options.limits,
    );
  }

  #prepare(query: string, operationName: string | undefined): Prepared | readonly GraphQLError[] {
    const { schema, limits, introspection } = this.#options;
    let whole: DocumentNode;
    try {
      whole = parse(query, { maxTokens: limits.tokens });
    } catch (error) {
      return [
        error instanceof GraphQLError ? error : new GraphQLError('The document is malformed.'),
      ];
    }
    const operations = whole.definitions.filter((it) => it.kind === Kind.OPERATION_DEFINITION);
    const operation = chooseOperation(operations, operationName);
    if (operation instanceof GraphQLError) return [operation];
    // An unused operation is still validated: a document is valid as a whole or not at all.
    const found = measure(schema, whole, operation);
    const refused = overStaticLimits(found, limits);
    if (refused.length > 0) return refused;
    const rules = introspection
      ? specifiedRules
      : [...specifiedRules, NoSchemaIntrospectionCustomRule];
    const errors = validate(schema, whole, rules, { maxErrors: 20 });
    if (errors.length > 0)
      return introspection ? errors : errors.map((it) => withoutSuggestion(it));
    const document = operations.length === 1 ? whole : cut(whole, operation);
    return {
      query: operations.length === 1 ? query : print(document),
      document,
      kind: operation.operation,
      measure: found,
      defaults: defaultsOf(operation),
    };
  }

  #remember(key: string, prepared: Prepared): void {
    const { cachedDocuments, cachedDocumentBytes } = this.#options.limits;
    this.#cache.set(key, prepared);
    this.#cachedBytes += key.length;
    for (const oldest of this.#cache.keys()) {
      const isFull = this.#cache.size > cachedDocuments || this.#cachedBytes > cachedDocumentBytes;
      if (!isFull) break;
      this.#cache.delete(oldest);
      this.#cachedBytes -= oldest.length;
    }
  }
}

function chooseOperation(
  operations: readonly OperationDefinitionNode[],
  name: string | undefined,
): OperationDefinitionNode | GraphQLError {
  const [first, second] = operations;
  if (first === undefined) return new GraphQLError('The document has no operation.');
  if (name === undefined || name === '') {
    return second === undefined
      ? first
      : new GraphQLError('The document has several operations; operationName must choose one.');
  }
  const chosen = operations.find((it) => it.name?.value === name);
  return chosen ?? new GraphQLError(`The document has no operation named "${name}".`);
}

/** Compiled documents answer by their text alone, so a text has one operation. */
function cut(whole: DocumentNode, operation: OperationDefinitionNode): DocumentNode {
  return separateOperations(whole)[operation.name?.value ?? ''] ?? whole;
}

function defaultsOf(operation: OperationDefinitionNode): Record<string, unknown> {
  const defaults: Record<string, unknown> = {};
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    if (defaultValue?.kind === Kind.INT) defaults[variable.name.value] = Number(defaultValue.value);
  }
  return defaults;
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message.replace(/ Did you mean .*\?$/u, ''), {
    nodes: error.nodes ?? null,
  });
}
