import { transformSupergraphToPublicSchema } from '@theguild/federation-composition';
import {
  GraphQLError,
  Kind,
  buildASTSchema,
  OperationTypeNode,
  getOperationAST,
  isScalarType,
  parse,
  visit,
} from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLScalarType,
  GraphQLSchema,
  TypeNode,
} from 'graphql';
import { answer, refusal } from './answer.ts';
import { ORIGIN, complete, isComplete } from './completion.ts';
import { cursorIn } from './cursor.ts';
import { eventStream } from './event-stream.ts';
import { isResultStream } from './executor.ts';
import type { Executor, GraphRequest, Incoming, ResultStream } from './executor.ts';
import { fieldOwnersIn } from './field-owners.ts';
import type { FieldOwners } from './field-owners.ts';
import { planDocument } from './plan-document.ts';
import type { PlanDocument } from './plan-document.ts';
import type { ErrorFor } from './presentation.ts';
import { SharedResults } from './shared-results.ts';
import type { SubgraphLink } from './subgraph-link.ts';
import { coerce } from './variables.ts';

export interface PlannedOptions {
  readonly supergraphSdl: string;
  /** One for each subgraph of the supergraph; closed with the executor. */
  readonly links: readonly SubgraphLink[];
  readonly errorFor: ErrorFor;
  /**
   * Custom scalars, so that their values are refused here before anything runs, in the same words as in a merged graph.
   * Without them the subgraph refuses, at the field.
   */
  readonly scalars?: readonly GraphQLScalarType[];
  /** Called once an operation, before anything is fetched; what it throws is the whole answer, as in a merged graph. */
  readonly admit?: (incoming: Incoming) => unknown;
}

/**
 * The executor that plans over subgraphs by Federation 2, in this process or in others. The planner is a native addon and is
 * loaded here only, so that an embedded server needs neither it nor a platform it is built for.
 */
export async function plannedExecutor(options: PlannedOptions): Promise<Executor> {
  const { supergraphSdl, links, errorFor, admit = () => undefined } = options;
  const supergraph = parse(supergraphSdl, { noLocation: true });
  const owners = fieldOwnersIn(supergraphSdl);
  const byName = new Map(links.map((it) => [it.name, it]));
  const schema = buildASTSchema(transformSupergraphToPublicSchema(supergraph));
  for (const { name, parseValue, parseLiteral } of options.scalars ?? []) {
    const scalar = schema.getType(name);
    // Answers come serialised: only the way in is taken over.
    if (isScalarType(scalar)) Object.assign(scalar, { parseValue, parseLiteral });
  }
  const { unifiedGraphHandler } = await import('@graphql-hive/router-runtime');
  const { executor: plan } = await unifiedGraphHandler({
    unifiedGraph: buildASTSchema(withoutNonNull(supergraph), { assumeValid: true }),
    getUnifiedGraphSDL: () => supergraphSdl,
    onSubgraphExecute: (graph, { document, variables, context }) => {
      const scope = context as PlanScope;
      const name = owners.subgraph(graph);
      const link = byName.get(name);
      if (link === undefined) return { data: null, errors: [unavailable(name)] };
      const isEvent = getOperationAST(document)?.operation === OperationTypeNode.SUBSCRIPTION;
      if (isEvent && scope.event !== undefined) return marked(scope.event, name);
      const values = (variables ?? {}) as Readonly<Record<string, unknown>>;
      if (isEvent) {
        scope.opening = { link, document, variables: values };
        return { data: null };
      }
      return link
        .execute({ document, variables: values, incoming: scope.incoming, scope })
        .then((it) => marked(it, name));
    },
  });
  if (plan === undefined) throw new Error('The planner gave no executor.');
  return new PlannedExecutor(plan as PlanRunner, { schema, owners, links, errorFor, admit });
}

/** What one run of a plan carries; also the key of what subgraphs of this process share in it. */
interface PlanScope {
  readonly incoming: Incoming;
  /** What the subgraph of the subscription said, for this event. */
  readonly event?: ExecutionResult;
  /** Set by a first run of a subscription's plan: which subgraph to open, and with what. */
  opening?: Opening;
}

interface Opening {
  readonly link: SubgraphLink;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

type PlanRunner = (request: {
  document: DocumentNode;
  variables: Readonly<Record<string, unknown>>;
  operationType: Incoming['kind'];
  context: PlanScope;
}) => ExecutionResult | Promise<ExecutionResult>;

interface PlannedParts {
  readonly schema: GraphQLSchema;
  readonly owners: FieldOwners;
  readonly links: readonly SubgraphLink[];
  readonly errorFor: ErrorFor;
  readonly admit: (incoming: Incoming) => unknown;
}

class PlannedExecutor implements Executor {
  readonly schema: GraphQLSchema;
  readonly #plan: PlanRunner;
  readonly #parts: PlannedParts;
  readonly #documents = new WeakMap<DocumentNode, PlanDocument>();
  readonly #shared = new SharedResults();

  constructor(plan: PlanRunner, parts: PlannedParts) {
    this.schema = parts.schema;
    this.#plan = plan;
    this.#parts = parts;
  }

  async run(request: GraphRequest): Promise<ExecutionResult> {
    const presenter = this.#presenter(request);
    try {
      const { incoming } = request;
      await this.#parts.admit(incoming);
      return answer(await this.#gather(request, { incoming }), request.document, presenter);
    } catch (error) {
      return refusal(error, presenter);
    }
  }

  /**
   * The planner's own subscription keeps one state for all events: an error of the first would be in every later answer. So the
   * plan is run once to learn what to open, and then once for each event.
   */
  async subscribe(request: GraphRequest): Promise<ResultStream | ExecutionResult> {
    const presenter = this.#presenter(request);
    const { incoming, document } = request;
    try {
      await this.#parts.admit(incoming);
      const probe: PlanScope = { incoming };
      const found = await this.#gather(request, probe);
      if (probe.opening === undefined) {
        return answer({ errors: found.errors ?? [] }, document, presenter);
      }
      const { link, ...fetch } = probe.opening;
      const cursor = cursorIn(this.schema, fetch.document, fetch.variables);
      const source = await link.subscribe({ ...fetch, cursor, incoming, scope: probe });
      if (!isResultStream(source)) {
        const errors = (source.errors ?? []).map((it) => withoutPlace(it));
        return answer({ errors }, document, presenter);
      }
      const share = this.#shared.join(request);
      const make = async (event: ExecutionResult): Promise<ExecutionResult> => {
        const ended = endingIn(event);
        if (ended !== undefined) return answer(ended, document, presenter);
        await this.#parts.admit(incoming);
        return answer(await this.#gather(request, { incoming, event }), document, presenter);
      };
      return eventStream(
        source,
        (event) => share.of(event, () => make(event as ExecutionResult)),
        (error) => refusal(error, presenter),
        () => share.leave(),
      );
    } catch (error) {
      return refusal(error, presenter);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#parts.links.map((it) => it.close()));
  }

  async #gather(request: GraphRequest, context: PlanScope): Promise<ExecutionResult> {
    const { document, variables, incoming } = request;
    const coerced = coerce(this.schema, document, variables);
    if (coerced.errors !== undefined) return { errors: coerced.errors };
    let planned = this.#documents.get(document);
    if (planned === undefined) {
      planned = planDocument(this.schema, document);
      this.#documents.set(document, planned);
    }
    const gathered =
      planned.document === undefined
        ? { data: {} }
        : await this.#plan({
            document: planned.document,
            variables,
            operationType: incoming.kind,
            context,
            // No signal: plans are kept by document as promises, and one that its first reader aborted would be kept rejected.
            // Fetches have the signal from the scope.
          });
    if (context.opening !== undefined) return gathered;
    if (!planned.differs && isComplete(gathered)) return gathered;
    const { schema, owners } = this.#parts;
    return complete(gathered, { schema, owners, document, variables });
  }

  #presenter({ incoming }: GraphRequest): { errorFor: ErrorFor; requestId: string } {
    return { errorFor: this.#parts.errorFor, requestId: incoming.requestId };
  }
}

/** The stream's own end by an error (its subgraph is gone, its reader is no longer who they were), not an event with one. */
function endingIn(event: ExecutionResult): ExecutionResult | undefined {
  return event.data === undefined && event.errors !== undefined
    ? { errors: event.errors.map((it) => withoutPlace(it)) }
    : undefined;
}

/** The planner knows nullability from the SDL; its projection would drop an object, and the error's place with it. */
function withoutNonNull(supergraph: DocumentNode): DocumentNode {
  return visit(supergraph, {
    FieldDefinition: (node) => ({ ...node, type: nullable(node.type) }),
  });
}

function nullable(type: TypeNode): TypeNode {
  if (type.kind === Kind.NON_NULL_TYPE) return nullable(type.type);
  return type.kind === Kind.LIST_TYPE ? { ...type, type: nullable(type.type) } : type;
}

function marked(result: ExecutionResult, subgraph: string): ExecutionResult {
  if (result.errors === undefined) return result;
  const errors = result.errors.map((error) => {
    const origin = { subgraph, isPlaced: error.path !== undefined };
    const extensions = { ...error.extensions, [ORIGIN]: origin };
    return new GraphQLError(error.message, { path: error.path ?? null, extensions });
  });
  return { data: result.data ?? null, errors };
}

function withoutPlace(error: GraphQLError): GraphQLError {
  return new GraphQLError(error.message, {
    path: error.path ?? null,
    extensions: error.extensions,
  });
}

function unavailable(name: string): GraphQLError {
  return new GraphQLError(`The supergraph names a subgraph ${name} that is not linked.`);
}
