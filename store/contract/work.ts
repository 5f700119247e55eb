/**
 * Level-triggered work: a row says "look at this thing". A row is unique by (kind, key). Leases carry a fencing token
 * that grows with each claim, so a worker that slept past its lease cannot write (`Transaction.assertLease`).
 */
export interface WorkQueue {
  /**
   * Asks for a look at `dueAt` (epoch milliseconds). If a look is already asked for, the earlier time holds. If the row
   * is leased now, it is looked at again after the lease is released, at `dueAt`: no wish is lost.
   */
  enqueue(kind: string, key: string, dueAt: number): Promise<void>;
  /** Leases up to `limit` due rows of `kinds` to `worker` until `now + leaseMs`, earliest due first. Expired leases count as due. */
  claim(request: {
    readonly kinds: readonly string[];
    readonly worker: string;
    readonly now: number;
    readonly leaseMs: number;
    readonly limit: number;
  }): Promise<readonly Lease[]>;
  /** Prolongs a lease. False when it was lost. */
  renew(lease: Lease, until: number): Promise<boolean>;
  /**
   * Gives the lease back. With `nextDueAt` the row is looked at again then; with null it is removed, unless somebody
   * enqueued meanwhile. Nothing happens when the lease was lost.
   */
  release(lease: Lease, nextDueAt: number | null): Promise<void>;
  /** The same for many of one kind, at the cost of one. */
  releaseAll(leases: readonly Lease[], nextDueAt: number | null): Promise<void>;
  /**
   * Ends every lease; what was leased is due now. For whoever knows that no other worker is alive: it need not wait until
   * the leases of one that was killed run out. An old lease is void afterwards.
   */
  recall(): Promise<void>;
  /** Resolves when new work of `kinds` may be due at once, or `signal` aborts. Only wakes. Never rejects. */
  changed(kinds: readonly string[], signal: AbortSignal): Promise<void>;
  /** The earliest due time of unleased rows and of lease ends, or null when there is none. */
  nextDue(kinds: readonly string[]): Promise<number | null>;
  /** What of a kind is looked after, due or not: keys behind `after` (null for the first), in order, at most `limit`. */
  keys(kind: string, after: string | null, limit: number): Promise<readonly string[]>;
  /** How many things of a kind are looked after. */
  size(kind: string): Promise<number>;
}

export interface Lease {
  readonly kind: string;
  readonly key: string;
  readonly token: number;
  /** How often it was claimed since it was last removed. */
  readonly claims: number;
}
