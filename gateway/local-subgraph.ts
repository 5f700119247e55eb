import { execute } from 'graphql';
import type { ExecutionResult } from 'graphql';
import type { ContextFor } from './executor.ts';
import { present } from './presentation.ts';
import type { ErrorFor } from './presentation.ts';
import { SchemaExecutor } from './schema-executor.ts';
import { servedSchema } from './served-schema.ts';
import type { Subgraph } from './subgraph.ts';
import type { SubgraphLink } from './subgraph-link.ts';

export interface LocalLinksOptions<C extends object> {
  readonly subgraphs: readonly Subgraph[];
  readonly contextFor: ContextFor<C>;
  readonly errorFor: ErrorFor;
}

/** Links to subgraphs in this process. The fetches of one operation share one context, as a merged graph's fields do. */
export function localLinks<C extends object>(options: LocalLinksOptions<C>): SubgraphLink[] {
  const { contextFor, errorFor } = options;
  const contexts = new WeakMap<object, Promise<C>>();
  return options.subgraphs.map((subgraph): SubgraphLink => {
    const schema = servedSchema(subgraph);
    const subscriptions = new SchemaExecutor({ schema, contextFor, errorFor });
    return {
      name: subgraph.name,
      async execute({ document, variables, incoming, scope }) {
        const presenter = { errorFor, requestId: incoming.requestId };
        try {
          let context = contexts.get(scope);
          if (context === undefined) {
            context = Promise.resolve(contextFor(incoming));
            contexts.set(scope, context);
          }
          const contextValue = await context;
          const operation = { schema, document, variableValues: variables };
          const result: ExecutionResult = await execute({ ...operation, contextValue });
          if (result.errors === undefined) return result;
          return { ...result, errors: result.errors.map((it) => present(it, presenter)) };
        } catch (error) {
          return { errors: [present(error, presenter)] };
        }
      },
      async subscribe({ document, variables, incoming }) {
        return await subscriptions.subscribe({ query: '', document, variables, incoming });
      },
      async close() {},
    };
  });
}
