/** A window on an ordered list. Exactly one of `first` and `last`, at most `maximumPage`. Cursors are opaque. */
export interface PageRequest {
  readonly first?: number;
  readonly last?: number;
  readonly after?: string;
  readonly before?: string;
}

export interface Page<T> {
  readonly items: readonly { readonly node: T; readonly cursor: string }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

export const maximumPage = 100;
