/** Counts what came over all subscriptions, and the entries that should have come between. */
export class Tally {
  events = 0;
  gaps = 0;
  readonly #last = new Map<string, number>();

  /** `position` is the sequence or offset of an entry of `stream`; the first is 1. */
  see(stream: string, position: number): void {
    this.events += 1;
    if (position !== (this.#last.get(stream) ?? 0) + 1) this.gaps += 1;
    this.#last.set(stream, position);
  }
}

/** The value below which a share of the numbers lies (nearest rank); 0 when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
