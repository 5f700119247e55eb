import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import type { ExecutionResult, GraphQLSchema } from 'graphql';
import mercurius from 'mercurius';
import { answer, refusal } from './answer.ts';
import { compose } from './composition.ts';
import type { ContextFor, Executor, GraphRequest, ResultStream } from './executor.ts';
import { limits } from './limits.ts';
import { mergeSchema } from './merged-schema.ts';
import type { ErrorFor } from './presentation.ts';
import { SchemaExecutor } from './schema-executor.ts';
import type { Subgraph } from './subgraph.ts';

export interface MergedOptions<C extends object> {
  readonly subgraphs: readonly Subgraph[];
  readonly contextFor: ContextFor<C>;
  readonly errorFor: ErrorFor;
  /** The composed public SDL, when the caller has it already; else the subgraphs are composed here. */
  readonly publicSdl?: string;
}

/**
 * The embedded executor: all subgraphs in this process, one schema, run by Mercurius (its routes and its subscriptions stay
 * off: they do not pass the protocols' audits). Throws `CompositionError` or `MergeError` before anything listens.
 */
export async function mergedExecutor<C extends object>(
  options: MergedOptions<C>,
): Promise<Executor> {
  const publicSdl = options.publicSdl ?? compose(options.subgraphs).publicSdl;
  const schema = mergeSchema(options.subgraphs, publicSdl);
  const engine = Fastify({ logger: false });
  await engine.register(mercurius, {
    schema,
    routes: false,
    subscription: false,
    cache: limits.cachedDocuments,
    jit: limits.runsBeforeCompiling,
    // The default would log each error and drop what was thrown; the answer is presented below.
    errorFormatter: (execution) => ({
      statusCode: 200,
      response: execution as ReturnType<typeof mercurius.defaultErrorFormatter>['response'],
    }),
  });
  await engine.ready();
  return new MergedExecutor(engine, schema, options);
}

class MergedExecutor<C extends object> implements Executor {
  readonly schema: GraphQLSchema;
  readonly #engine: FastifyInstance;
  readonly #contextFor: ContextFor<C>;
  readonly #errorFor: ErrorFor;
  readonly #subscriptions: SchemaExecutor<C>;

  constructor(engine: FastifyInstance, schema: GraphQLSchema, options: MergedOptions<C>) {
    this.schema = schema;
    this.#engine = engine;
    this.#contextFor = options.contextFor;
    this.#errorFor = options.errorFor;
    this.#subscriptions = new SchemaExecutor({ ...options, schema });
  }

  async run({ query, document, variables, incoming }: GraphRequest): Promise<ExecutionResult> {
    const presenter = { errorFor: this.#errorFor, requestId: incoming.requestId };
    try {
      const context = await this.#contextFor(incoming);
      // The text is the key of Mercurius' cache, and its compiled form ignores `operationName`: one operation a text.
      const result = await this.#engine.graphql(query, context, { ...variables });
      return answer(result as ExecutionResult, document, presenter);
    } catch (error) {
      const errors = variableErrorsIn(error);
      return errors === undefined
        ? refusal(error, presenter)
        : answer({ errors }, document, presenter);
    }
  }

  async subscribe(request: GraphRequest): Promise<ResultStream | ExecutionResult> {
    return await this.#subscriptions.subscribe(request);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }
}

/** Mercurius throws its refusal of variables with graphql's errors inside. */
function variableErrorsIn(error: unknown): NonNullable<ExecutionResult['errors']> | undefined {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors)
    ? (error.errors as NonNullable<ExecutionResult['errors']>)
    : undefined;
}
