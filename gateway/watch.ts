import type { Incoming } from './executor.ts';

/** What an operator may count; calls are cheap and never throw. */
export interface Watch {
  /** Of a query, a mutation, or the opening of a subscription. `outcome` is OK or the code of the first error. */
  operationEnded(kind: Incoming['kind'] | 'unread', outcome: string, seconds: number): void;
  /** A subscription was opened; the answer is called once it is over. */
  streamOpened(): () => void;
  eventSent(): void;
}

export const unwatched: Watch = {
  operationEnded: () => undefined,
  streamOpened: () => () => undefined,
  eventSent: () => undefined,
};
