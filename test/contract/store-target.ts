import { FathomError } from '../../domain/errors.ts';
import type { Store } from '../../store/contract/store.ts';

/** An engine under test. `open` makes a new, empty store. */
export interface StoreTarget {
  readonly name: string;
  open(): Promise<OpenedStore>;
}

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens what it left behind. */
  reopen(): Promise<Store>;
  /** Closes it and removes all of it. */
  destroy(): Promise<void>;
}

/** What a rejected promise carries. Fails when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FathomError) return error.code;
    throw error;
  }
  throw new Error('It was expected to reject.');
}
