import { Kind, TypeInfo, getNamedType, isAbstractType, visit, visitWithTypeInfo } from 'graphql';
import type {
  DocumentNode,
  FieldNode,
  GraphQLSchema,
  SelectionNode,
  SelectionSetNode,
} from 'graphql';

/** A client's document in the form that is sent to the planner. */
export interface PlanDocument {
  /** Undefined: nothing is left to fetch, the operation asks only for the schema or for `__typename`. */
  readonly document: DocumentNode | undefined;
  /** The answer of the plan lacks, or has more than, what was asked for. */
  readonly differs: boolean;
}

/**
 * Takes out what the gateway answers itself (`__schema`, `__type` and `__typename` of the root) and asks for `__typename`
 * wherever a type is abstract, which completing the answer needs.
 */
export function planDocument(schema: GraphQLSchema, document: DocumentNode): PlanDocument {
  let differs = false;
  const typeInfo = new TypeInfo(schema);
  const named = visit(
    document,
    visitWithTypeInfo(typeInfo, {
      SelectionSet: {
        enter(node) {
          const type = typeInfo.getParentType();
          if (!isAbstractType(type ? getNamedType(type) : undefined)) return undefined;
          differs = true;
          return { ...node, selections: [...node.selections, TYPE_NAME] };
        },
      },
    }),
  );
  const fragments = new Map(
    named.definitions.flatMap((it) =>
      it.kind === Kind.FRAGMENT_DEFINITION ? [[it.name.value, it.selectionSet]] : [],
    ),
  );
  let isEmpty = false;
  const definitions = named.definitions.map((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return definition;
    if (!hasMeta(definition.selectionSet, fragments)) return definition;
    differs = true;
    const selectionSet = withoutMeta(definition.selectionSet, fragments);
    isEmpty = selectionSet.selections.length === 0;
    return { ...definition, selectionSet };
  });
  return isEmpty
    ? { document: undefined, differs }
    : { document: { kind: Kind.DOCUMENT, definitions }, differs };
}

type Fragments = ReadonlyMap<string, SelectionSetNode>;

const TYPE_NAME: FieldNode = {
  kind: Kind.FIELD,
  name: { kind: Kind.NAME, value: '__typename' },
};

function isMeta(selection: SelectionNode): boolean {
  return selection.kind === Kind.FIELD && selection.name.value.startsWith('__');
}

function hasMeta(set: SelectionSetNode, fragments: Fragments): boolean {
  return set.selections.some((selection) => {
    if (selection.kind === Kind.FIELD) return isMeta(selection);
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : fragments.get(selection.name.value);
    return inner !== undefined && hasMeta(inner, fragments);
  });
}

/** Root fragments are written in place, since the same fragment keeps its meta fields where another operation spreads it. */
function withoutMeta(set: SelectionSetNode, fragments: Fragments): SelectionSetNode {
  const selections = set.selections.flatMap((selection): SelectionNode[] => {
    if (selection.kind === Kind.FIELD) return isMeta(selection) ? [] : [selection];
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : fragments.get(selection.name.value);
    if (inner === undefined) return [selection];
    const selectionSet = withoutMeta(inner, fragments);
    if (selectionSet.selections.length === 0) return [];
    const directives = selection.directives ?? [];
    return [{ kind: Kind.INLINE_FRAGMENT, directives, selectionSet }];
  });
  return { kind: Kind.SELECTION_SET, selections };
}
