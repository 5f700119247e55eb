/** What generated documents carry at compile time only: which variables they take and what they answer. */
export interface DocumentTypeDecoration<TResult, TVariables> {
  __apiType?: (variables: TVariables) => TResult;
}

/** A document as text; those of `generated/graphql.ts` are typed. */
export type TypedDocument<TResult, TVariables> = DocumentTypeDecoration<TResult, TVariables> & {
  toString(): string;
};

export interface Operation {
  readonly kind: 'query' | 'mutation' | 'subscription';
  readonly name: string | null;
  /** Whether it declares `$after`, so that it can go on where a broken connection left it. */
  readonly takesAfter: boolean;
}

const start = /(?:^|\})\s*(query|mutation|subscription)\b\s*([_A-Za-z]\w*)?\s*(\([^)]*\))?/;

/** Reads the first operation of a document; a document without the word is a query. */
export function operationOf(text: string): Operation {
  const [, kind = 'query', name, variables = ''] = start.exec(text) ?? [];
  return {
    kind: kind as Operation['kind'],
    name: name ?? null,
    takesAfter: /\$after\b/.test(variables),
  };
}
