import Fastify from 'fastify';
import type { FastifyInstance } from 'fastify';
import { visit } from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  FieldNode,
  FragmentSpreadNode,
  GraphQLSchema,
  InlineFragmentNode,
} from 'graphql';
import mercurius from 'mercurius';
import { answer, refusal } from './answer.ts';
import { compose } from './composition.ts';
import type { ContextFor, Executor, GraphRequest, ResultStream } from './executor.ts';
import { limits } from './limits.ts';
import { mergeSchema } from './merged-schema.ts';
import { coerce, withDefaults } from './variables.ts';
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
  readonly #interpreted: SchemaExecutor<C>;

  constructor(engine: FastifyInstance, schema: GraphQLSchema, options: MergedOptions<C>) {
    this.schema = schema;
    this.#engine = engine;
    this.#contextFor = options.contextFor;
    this.#errorFor = options.errorFor;
    this.#interpreted = new SchemaExecutor({ ...options, schema });
  }

  async run(request: GraphRequest): Promise<ExecutionResult> {
    const { query, document, variables, incoming } = request;
    // A mutation spends its time in what it does, not in shaping the answer; its input deserves graphql's own reading.
    if (incoming.kind === 'mutation' || !isCompilable(document)) {
      return await this.#interpreted.run(request);
    }
    const presenter = { errorFor: this.#errorFor, requestId: incoming.requestId };
    try {
      // Compiled execution coerces by itself, in other words than graphql's.
      const coerced = coerce(this.schema, document, variables);
      if (coerced.errors !== undefined) return answer(coerced, document, presenter);
      const context = await this.#contextFor(incoming);
      // The text is the key of Mercurius' cache, and its compiled form ignores `operationName`: one operation a text.
      const filled = withDefaults(this.schema, document, variables);
      const result = await this.#engine.graphql(query, context, filled);
      return answer(result as ExecutionResult, document, presenter);
    } catch (error) {
      return refusal(error, presenter);
    }
  }

  async subscribe(request: GraphRequest): Promise<ResultStream | ExecutionResult> {
    return await this.#interpreted.subscribe(request);
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }
}

const compilable = new WeakMap<DocumentNode, boolean>();

/**
 * The compiler lays out the fields of an object once, so a field that is conditional in one place and repeated in another
 * would come out in an order that depends on nothing the client wrote. Such documents are interpreted.
 */
function isCompilable(document: DocumentNode): boolean {
  let known = compilable.get(document);
  if (known === undefined) {
    const conditional = new Set<string>();
    const times = new Map<string, number>();
    let inFragments = false;
    visit(document, {
      Field(node) {
        const key = (node.alias ?? node.name).value;
        times.set(key, (times.get(key) ?? 0) + 1);
        if (isConditional(node)) conditional.add(key);
      },
      InlineFragment(node) {
        inFragments ||= isConditional(node);
      },
      FragmentSpread(node) {
        inFragments ||= isConditional(node);
      },
    });
    known = !inFragments && [...conditional].every((key) => times.get(key) === 1);
    compilable.set(document, known);
  }
  return known;
}

function isConditional({
  directives,
}: FieldNode | InlineFragmentNode | FragmentSpreadNode): boolean {
  return directives?.some(({ name }) => name.value === 'skip' || name.value === 'include') ?? false;
}
