import type { Client } from '../../codegen/client/client.ts';
import type { Screen } from './screen.ts';
import type { Tally } from './tally.ts';

/** What every step of the demo has at hand. */
export interface Stage {
  readonly client: Client;
  readonly screen: Screen;
  readonly tally: Tally;
  /** Aborted when a person interrupts. */
  readonly signal: AbortSignal;
  /** Work for the end, whatever happens before: nothing is left running. */
  readonly atEnd: (work: (signal: AbortSignal) => Promise<void>) => void;
}

/** Fails with the sentence when there is nothing. */
export function found<T>(value: T | null | undefined, sentence: string): T {
  if (value === null || value === undefined) throw new Error(sentence);
  return value;
}
