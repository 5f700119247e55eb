import { GraphQLError, execute } from 'graphql';
import type {
  DocumentNode,
  ExecutionResult,
  GraphQLResolveInfo,
  GraphQLSchema,
  ResponsePath,
} from 'graphql';
import type { FieldOwners } from './field-owners.ts';

/** Where an error came from; under a symbol, so that it never reaches a caller. */
export const ORIGIN: unique symbol = Symbol('origin');

export interface Origin {
  readonly subgraph: string;
  /** The subgraph said where it happened; else a whole fetch failed, and the planner put it where it could. */
  readonly isPlaced: boolean;
}

export interface Completion {
  readonly schema: GraphQLSchema;
  readonly owners: FieldOwners;
  readonly document: DocumentNode;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Completes what a plan gathered into what the specification promises, by running the client's document over it with the public
 * schema: nulls propagate, each missing field has its error at its own path, introspection is answered. A planner only
 * merges: it leaves a null where the schema forbids one, and puts an entity's error at the entity.
 */
export function complete(gathered: ExecutionResult, completion: Completion): ExecutionResult {
  const { schema, owners, document, variables } = completion;
  const explanations = new Explanations(gathered.errors ?? [], owners);
  const result = execute({
    schema,
    document,
    variableValues: variables,
    rootValue: gathered.data ?? {},
    fieldResolver(source: unknown, _args, _context, info) {
      const value: unknown = Reflect.get(Object(source), info.path.key);
      if (value === undefined || value === null) explanations.throwFor(info);
      return value;
    },
    typeResolver: (value: unknown) => Reflect.get(Object(value), '__typename') as string,
  });
  // Nothing above is asynchronous.
  const { errors = [], data = null } = result as ExecutionResult;
  const all = [...errors, ...explanations.unused(data)];
  return all.length === 0 ? { data } : { errors: all, data };
}

/** Whether an answer may be handed on as it is: without errors, and without a null that might have to propagate. */
export function isComplete(gathered: ExecutionResult): boolean {
  return (
    gathered.errors === undefined &&
    gathered.data !== undefined &&
    gathered.data !== null &&
    !hasNull(gathered.data)
  );
}

function hasNull(value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (typeof value !== 'object') return false;
  for (const item of Object.values(value)) if (hasNull(item)) return true;
  return false;
}

type Path = readonly (string | number)[];

class Explanations {
  readonly #errors: readonly GraphQLError[];
  readonly #owners: FieldOwners;
  readonly #used = new Set<GraphQLError>();

  constructor(errors: readonly GraphQLError[], owners: FieldOwners) {
    this.#errors = errors;
    this.#owners = owners;
  }

  /** Throws the error that made this field null, if there is one. */
  throwFor(info: GraphQLResolveInfo): void {
    if (this.#errors.length === 0) return;
    const path = pathOf(info.path);
    const below = this.#errors.filter((it) => it.path !== undefined && startsWith(it.path, path));
    const [inside] = below;
    if (inside !== undefined) {
      for (const error of below) this.#used.add(error);
      throw copyOf(inside, inside.path);
    }
    const parent = path.slice(0, -1);
    const owners = this.#owners.owners(info.parentType.name, info.fieldName);
    for (const error of this.#errors) {
      const origin = originOf(error);
      if (origin === undefined || !owners.has(origin.subgraph)) continue;
      const isAtEntity = isSame(error.path ?? [], parent);
      if (isAtEntity || (!origin.isPlaced && isAbout(error.path, parent))) {
        this.#used.add(error);
        throw copyOf(error, undefined);
      }
      // Another field of the object failed and was required there, so its subgraph gave nothing of the object at all.
      if (origin.isPlaced && startsWith(error.path ?? [], parent)) {
        this.#used.add(error);
        throw copyOf(error, error.path);
      }
    }
  }

  /** Errors that no null accounts for: a step of the plan failed that the client did not see. They are not swallowed. */
  unused(data: unknown): GraphQLError[] {
    return this.#errors.filter((it) => !this.#used.has(it) && !isUnderNull(data, it.path ?? []));
  }
}

/** A failed step says where its entities are without list positions, and a failed root step names its first field. */
function isAbout(path: Path | undefined, parent: Path): boolean {
  if (path === undefined) return true;
  if (parent.length === 0) return path.length === 1;
  return isSame(
    path,
    parent.filter((it) => typeof it === 'string'),
  );
}

function isSame(left: Path, right: Path): boolean {
  return left.length === right.length && startsWith(left, right);
}

function isUnderNull(data: unknown, path: Path): boolean {
  let value = data;
  for (const key of path) {
    if (value === null) return true;
    value = Reflect.get(Object(value), key);
  }
  return false;
}

function startsWith(path: Path, prefix: Path): boolean {
  return path.length >= prefix.length && prefix.every((key, at) => path[at] === key);
}

function originOf(error: GraphQLError): Origin | undefined {
  return Reflect.get(error.extensions, ORIGIN) as Origin | undefined;
}

/** An error without a path is located by the executor where it is thrown; one with a path keeps it. */
function copyOf(error: GraphQLError, path: Path | undefined): GraphQLError {
  return new GraphQLError(error.message, { path: path ?? null, extensions: error.extensions });
}

function pathOf(last: ResponsePath): Path {
  const keys: (string | number)[] = [];
  for (let at: ResponsePath | undefined = last; at !== undefined; at = at.prev) keys.push(at.key);
  return keys.toReversed();
}
