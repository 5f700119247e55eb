import type { Lease } from '../../store/contract/work.ts';

/**
 * One handler for each kind of work. The reconciler claims a row and calls `look`; the handler compares what is wanted
 * with what is there, does one step, and says when to look again. It writes only in transactions that begin with
 * `assertLease(lease)`. A thrown error means: look again later, with growing delay.
 */
export interface Look {
  readonly kind: string;
  /**
   * Once, before the first look, and for as long as the reconciler waits for it: then looks begin beside it. When it
   * rejects, they begin.
   */
  begin?(signal: AbortSignal): Promise<void>;
  /**
   * Told of all looks that begin together, before the first of them: what they need can be read at once. When it rejects,
   * each look reads for itself.
   */
  prepare?(keys: readonly string[]): Promise<void>;
  /** Epoch milliseconds of the next look, or null when there is nothing left to do. */
  look(key: string, lease: Lease, signal: AbortSignal): Promise<number | null>;
}
