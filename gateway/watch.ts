import type { Incoming } from './executor.ts';

/** What an operator may count; calls are cheap and never throw. */
export interface Watch {
  /** Of a query, a mutation, or the opening of a subscription. */
  operationEnded(operation: EndedOperation): void;
  /** A subscription was opened; the answer is called once it is over. */
  streamOpened(): () => void;
  eventSent(): void;
}

export interface EndedOperation {
  /** `unread` when the document could not be read. */
  readonly kind: Incoming['kind'] | 'unread';
  /** As the caller named it; null when it did not. */
  readonly name: string | null;
  /** OK, or the code of the first error. */
  readonly outcome: string;
  readonly seconds: number;
  readonly requestId: string;
}

export const unwatched: Watch = {
  operationEnded: () => undefined,
  streamOpened: () => () => undefined,
  eventSent: () => undefined,
};
