import { createSourceEventStream, execute } from 'graphql';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { answer, refusal } from './answer.ts';
import { eventStream } from './event-stream.ts';
import type { ContextFor, Executor, GraphRequest, ResultStream } from './executor.ts';
import { place, positionIn } from './positions.ts';
import type { ErrorFor } from './presentation.ts';
import { SharedResults } from './shared-results.ts';

export interface SchemaExecutorOptions<C extends object> {
  readonly schema: GraphQLSchema;
  readonly contextFor: ContextFor<C>;
  readonly errorFor: ErrorFor;
}

/** Runs one executable schema with graphql's own executor. */
export class SchemaExecutor<C extends object> implements Executor {
  readonly schema: GraphQLSchema;
  readonly #contextFor: ContextFor<C>;
  readonly #errorFor: ErrorFor;
  readonly #shared = new SharedResults();

  constructor({ schema, contextFor, errorFor }: SchemaExecutorOptions<C>) {
    this.schema = schema;
    this.#contextFor = contextFor;
    this.#errorFor = errorFor;
  }

  async run({ document, variables, incoming }: GraphRequest): Promise<ExecutionResult> {
    const presenter = { errorFor: this.#errorFor, requestId: incoming.requestId };
    try {
      const contextValue = await this.#contextFor(incoming);
      const operation = { schema: this.schema, document, variableValues: variables };
      return answer(await execute({ ...operation, contextValue }), document, presenter);
    } catch (error) {
      return refusal(error, presenter);
    }
  }

  async subscribe(request: GraphRequest): Promise<ResultStream | ExecutionResult> {
    const { document, variables, incoming } = request;
    const presenter = { errorFor: this.#errorFor, requestId: incoming.requestId };
    const operation = { schema: this.schema, document, variableValues: variables };
    try {
      const contextValue = await this.#contextFor(incoming);
      const source = await createSourceEventStream({ ...operation, contextValue });
      if (!(Symbol.asyncIterator in source)) {
        // The subscription never began: there is no data to be null.
        return answer({ errors: source.errors ?? [] }, document, presenter);
      }
      const share = this.#shared.join(request);
      const make = async (rootValue: unknown): Promise<ExecutionResult> => {
        // One context for all events would answer each from the loaders of the first.
        const contextValue = await this.#contextFor(incoming);
        const result = await execute({ ...operation, rootValue, contextValue });
        return place(answer(result, document, presenter), positionIn(source, rootValue));
      };
      return eventStream(
        source,
        (event) => share.of(event, () => make(event)),
        (error) => refusal(error, presenter),
        () => share.leave(),
      );
    } catch (error) {
      return refusal(error, presenter);
    }
  }

  async close(): Promise<void> {}
}
