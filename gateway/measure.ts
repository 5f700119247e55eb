import {
  GraphQLError,
  Kind,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
} from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  FragmentDefinitionNode,
  GraphQLField,
  GraphQLNamedType,
  GraphQLSchema,
  OperationDefinitionNode,
  SelectionSetNode,
} from 'graphql';
import type { Limits } from './limits.ts';

/** What an operation may cost, found once for each document; page sizes wait for the variables. */
export interface Measure {
  /** Of the whole document, as written. */
  readonly aliases: number;
  readonly directives: number;
  /** Of the operation, after fragments are spread. */
  readonly depth: number;
  readonly rootFields: number;
  readonly selections: number;
  /** Connections and lists, nested as in the operation. */
  readonly lists: readonly ListCost[];
}

interface ListCost {
  /** `page`: sized by `first` or `last`; `list`: by assumption; a shared fragment counts once for each spread. */
  readonly kind: 'page' | 'list' | 'fragment';
  readonly node: FieldNode | undefined;
  readonly field: GraphQLField<unknown, unknown> | undefined;
  readonly inside: readonly ListCost[];
}

interface Shape {
  readonly depth: number;
  readonly fields: number;
  readonly selections: number;
  readonly lists: readonly ListCost[];
}

/** Linear in the document, whatever its fragments do; a fragment cycle is left to validation. */
export function measure(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Measure {
  const walk = new Walk(schema, document);
  const root = schema.getRootType(operation.operation) ?? undefined;
  const shape = walk.set(operation.selectionSet, root, false);
  return { ...countWritten(document), ...shape, rootFields: shape.fields };
}

/** The first static bound that is broken, as a typed refusal. */
export function overStaticLimits(found: Measure, limits: Limits): GraphQLError[] {
  const bounds = [
    ['aliases', found.aliases],
    ['directives', found.directives],
    ['depth', found.depth],
    ['rootFields', found.rootFields],
    ['selections', found.selections],
  ] as const;
  return bounds
    .filter(([name, value]) => value > limits[name])
    .slice(0, 1)
    .map(([name, value]) =>
      tooExpensive(`The operation has ${name} ${value}; the limit is ${limits[name]}.`),
    );
}

/**
 * Page sizes with these variables: one of `first` and `last`, 1 to `limits.pageSize`, and no more than `limits.nodes`
 * objects in all.
 */
export function overPageLimits(
  found: Measure,
  variables: Readonly<Record<string, unknown>>,
  limits: Limits,
): GraphQLError[] {
  const errors: GraphQLError[] = [];
  const memo = new Map<ListCost, number>();
  const nodes = sum(found.lists);
  if (errors.length > 0) return errors;
  return nodes > limits.nodes
    ? [
        tooExpensive(
          `The operation asks for up to ${nodes} objects; the limit is ${limits.nodes}. Ask for smaller pages or fewer levels.`,
        ),
      ]
    : [];

  function sum(lists: readonly ListCost[]): number {
    let total = 0;
    for (const list of lists) total += costOf(list);
    return total;
  }

  function costOf(list: ListCost): number {
    const known = memo.get(list);
    if (known !== undefined) return known;
    const inside = sum(list.inside);
    const cost = list.kind === 'fragment' ? inside : sizeOf(list) * (1 + inside);
    memo.set(list, cost);
    return cost;
  }

  function sizeOf({ kind, node, field }: ListCost): number {
    if (kind === 'list' || node === undefined || field === undefined) return limits.assumedListSize;
    const first = pageArgument(node, field, 'first', variables);
    const last = pageArgument(node, field, 'last', variables);
    const size = first ?? last;
    if (size === undefined || (first !== undefined && last !== undefined)) {
      const both = size !== undefined;
      errors.push(wrongPage(node, both ? 'takes either first or last' : 'needs first or last'));
      return 1;
    }
    if (!Number.isInteger(size) || size < 1 || size > limits.pageSize) {
      errors.push(wrongPage(node, `takes 1 to ${limits.pageSize} items a page`));
      return 1;
    }
    return size;
  }
}

class Walk {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #known = new Map<string, Shape | 'walking'>();

  constructor(schema: GraphQLSchema, document: DocumentNode) {
    this.#schema = schema;
    this.#fragments = new Map(
      document.definitions.flatMap((it) =>
        it.kind === Kind.FRAGMENT_DEFINITION ? [[it.name.value, it]] : [],
      ),
    );
  }

  /** `paged`: the set is that of a connection, whose `nodes` and `edges` its page size has counted already. */
  set(set: SelectionSetNode, type: GraphQLNamedType | undefined, paged: boolean): Shape {
    let depth = 0;
    let fields = 0;
    let selections = 0;
    const lists: ListCost[] = [];
    for (const selection of set.selections) {
      let shape: Shape;
      if (selection.kind === Kind.FIELD) {
        shape = this.#field(selection, type, paged);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        const on = selection.typeCondition?.name.value;
        const inner = on === undefined ? type : this.#schema.getType(on);
        shape = this.set(selection.selectionSet, inner, paged);
      } else {
        shape = this.#fragment(selection.name.value, paged);
      }
      depth = Math.max(depth, shape.depth);
      fields += shape.fields;
      selections += shape.selections;
      for (const list of shape.lists) lists.push(list);
    }
    return { depth, fields, selections, lists };
  }

  #field(node: FieldNode, parent: GraphQLNamedType | undefined, paged: boolean): Shape {
    const name = node.name.value;
    const introspects = name.startsWith('__');
    const field =
      isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    if (node.selectionSet === undefined) return { depth: 1, fields: 1, selections: 1, lists: [] };
    const type = field === undefined ? undefined : getNamedType(field.type);
    const isPage = field?.args.some((it) => it.name === 'first' || it.name === 'last') ?? false;
    const inner = this.set(node.selectionSet, type, isPage);
    const counted = paged && (name === 'nodes' || name === 'edges');
    const isList =
      field !== undefined &&
      !counted &&
      isListType(getNullableType(field.type)) &&
      isCompositeType(type);
    const kind = isPage ? 'page' : isList ? 'list' : undefined;
    return {
      depth: introspects ? 1 : inner.depth + 1,
      fields: 1,
      selections: inner.selections + 1,
      lists: kind === undefined ? inner.lists : [{ kind, node, field, inside: inner.lists }],
    };
  }

  #fragment(name: string, paged: boolean): Shape {
    const empty: Shape = { depth: 0, fields: 0, selections: 0, lists: [] };
    const key = `${name} ${paged}`;
    const known = this.#known.get(key);
    if (known === 'walking') return empty;
    if (known !== undefined) return known;
    const fragment = this.#fragments.get(name);
    if (fragment === undefined) return empty;
    this.#known.set(key, 'walking');
    const type = this.#schema.getType(fragment.typeCondition.name.value);
    const { lists, ...counts } = this.set(fragment.selectionSet, type, paged);
    const shared: ListCost = { kind: 'fragment', node: undefined, field: undefined, inside: lists };
    const shape = { ...counts, lists: lists.length === 0 ? [] : [shared] };
    this.#known.set(key, shape);
    return shape;
  }
}

function countWritten(document: DocumentNode): { aliases: number; directives: number } {
  let aliases = 0;
  let directives = 0;
  const stack: SelectionSetNode[] = [];
  for (const definition of document.definitions) {
    if ('directives' in definition) directives += definition.directives?.length ?? 0;
    if ('selectionSet' in definition) stack.push(definition.selectionSet);
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      for (const it of definition.variableDefinitions ?? []) {
        directives += it.directives?.length ?? 0;
      }
    }
  }
  for (let set = stack.pop(); set !== undefined; set = stack.pop()) {
    for (const selection of set.selections) {
      directives += selection.directives?.length ?? 0;
      if (selection.kind === Kind.FIELD && selection.alias !== undefined) aliases += 1;
      if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet !== undefined) {
        stack.push(selection.selectionSet);
      }
    }
  }
  return { aliases, directives };
}

function pageArgument(
  node: FieldNode,
  field: GraphQLField<unknown, unknown>,
  name: 'first' | 'last',
  variables: Readonly<Record<string, unknown>>,
): number | undefined {
  const value = node.arguments?.find((it) => it.name.value === name)?.value;
  const fallback: unknown = field.args.find((it) => it.name === name)?.defaultValue;
  const given: unknown =
    value === undefined
      ? fallback
      : value.kind === Kind.VARIABLE
        ? (variables[value.name.value] ?? fallback)
        : value.kind === Kind.INT
          ? Number(value.value)
          : undefined;
  return typeof given === 'number' ? given : undefined;
}

function wrongPage(node: FieldNode, rule: string): GraphQLError {
  return new GraphQLError(`The connection ${node.name.value} ${rule}.`, {
    nodes: node,
    extensions: { code: 'INVALID_ARGUMENT' },
  });
}

function tooExpensive(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_EXPENSIVE' } });
}
