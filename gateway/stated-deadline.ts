import { Kind, valueFromASTUntyped } from 'graphql';
import type { DocumentNode, FieldNode, SelectionSetNode } from 'graphql';

/** What an answer may take once it is begun, when an operation states only how long it would wait for the beginning. */
const usualMs = 30_000;
/** Beside what was stated, so that the operation's own refusal comes before the edge's. */
const graceMs = 5_000;

/**
 * How long an operation says that it may take: the sum, over the fields of its root, of what each argument states as
 * `waitUntilWarmMs` (until it is begun) and `deadlineMs` (from then on). 0 when it states nothing. Total: what is no
 * number says nothing.
 */
export function statedMs(
  document: DocumentNode,
  variables: Readonly<Record<string, unknown>>,
): number {
  const fragments = new Map<string, SelectionSetNode>();
  let root: SelectionSetNode | null = null;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) root = definition.selectionSet;
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition.selectionSet);
    }
  }
  let stated = 0;
  for (const field of root === null ? [] : rootFields(root, fragments)) {
    for (const argument of field.arguments ?? []) {
      stated += statedBy(valueFromASTUntyped(argument.value, variables));
    }
  }
  return stated === 0 ? 0 : stated + graceMs;
}

function statedBy(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const begin = milliseconds(Reflect.get(value, 'waitUntilWarmMs'));
  const answer = milliseconds(Reflect.get(value, 'deadlineMs'));
  if (begin === null && answer === null) return 0;
  return (begin ?? 0) + (answer ?? usualMs);
}

function milliseconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}

function* rootFields(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, SelectionSetNode>,
): Generator<FieldNode> {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT) {
      yield* rootFields(selection.selectionSet, fragments);
    } else {
      const spread = fragments.get(selection.name.value);
      if (spread !== undefined) yield* rootFields(spread, fragments);
    }
  }
}
