import { GraphQLError, Kind } from 'graphql';
import type { DocumentNode, ExecutionResult, FieldNode, SelectionSetNode } from 'graphql';
import { present } from './presentation.ts';
import type { Presenter } from './presentation.ts';

/**
 * Gives a result its final form, the same whichever executor made it: errors presented, located at the first field node of
 * their path, sorted by path; `errors` before `data`, as the specification advises.
 */
export function answer(
  result: ExecutionResult,
  document: DocumentNode,
  presenter: Presenter,
): ExecutionResult {
  const { errors, data, extensions } = result;
  const tail = extensions === undefined ? {} : { extensions };
  if (errors === undefined || errors.length === 0) return { data: data ?? null, ...tail };
  const presented = withoutRepeats(
    errors.map((error) => locate(present(error, presenter), document)).toSorted(byPath),
  );
  return data === undefined ? { errors: presented, ...tail } : { errors: presented, data, ...tail };
}

/** A result that is nothing but a refusal. */
export function refusal(error: unknown, presenter: Presenter): ExecutionResult {
  return { errors: [present(error, presenter)] };
}

/** Execution engines disagree on locations (none, all nodes, a subgraph's); the path decides for all of them. */
function locate(error: GraphQLError, document: DocumentNode): GraphQLError {
  if (error.path === undefined) return error;
  const node = nodeAt(document, error.path);
  return new GraphQLError(error.message, {
    nodes: node ?? null,
    path: error.path,
    extensions: error.extensions,
  });
}

function nodeAt(document: DocumentNode, path: readonly (string | number)[]): FieldNode | undefined {
  let found: FieldNode | undefined;
  let level: SelectionSetNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) level.push(definition.selectionSet);
  }
  for (const key of path) {
    if (typeof key === 'number') continue;
    const nodes = level.flatMap((set) => fieldsNamed(set, key, document, new Set()));
    found = nodes[0] ?? found;
    level = nodes.flatMap((node) => (node.selectionSet === undefined ? [] : [node.selectionSet]));
  }
  return found;
}

function fieldsNamed(
  set: SelectionSetNode,
  key: string,
  document: DocumentNode,
  seen: Set<string>,
): FieldNode[] {
  return set.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) {
      return (selection.alias ?? selection.name).value === key ? [selection] : [];
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return fieldsNamed(selection.selectionSet, key, document, seen);
    }
    const name = selection.name.value;
    if (seen.has(name)) return [];
    seen.add(name);
    const fragment = document.definitions.find(
      (it) => it.kind === Kind.FRAGMENT_DEFINITION && it.name.value === name,
    );
    return fragment?.kind === Kind.FRAGMENT_DEFINITION
      ? fieldsNamed(fragment.selectionSet, key, document, seen)
      : [];
  });
}

/** Completing a planned answer meets one error at each field it took away. */
function withoutRepeats(sorted: readonly GraphQLError[]): GraphQLError[] {
  return sorted.filter((error, at) => {
    const before = sorted[at - 1];
    return before === undefined || error.path === undefined || byPath(before, error) !== 0;
  });
}

function byPath(left: GraphQLError, right: GraphQLError): number {
  const a = left.path ?? [];
  const b = right.path ?? [];
  for (let at = 0; at < Math.min(a.length, b.length); at += 1) {
    const x = a[at];
    const y = b[at];
    if (x === y || x === undefined || y === undefined) continue;
    if (typeof x === 'number' && typeof y === 'number') return x - y;
    return String(x) < String(y) ? -1 : 1;
  }
  return (
    a.length - b.length ||
    (left.message < right.message ? -1 : Number(left.message > right.message))
  );
}
