/** Calls under way in this process, by endpoint: an endpoint is not taken away under them. */
export class Traffic {
  readonly #calls = new Map<string, { inFlight: number; answeredAt: number | null }>();

  begin(endpointId: string): void {
    const calls = this.#calls.get(endpointId);
    if (calls === undefined) this.#calls.set(endpointId, { inFlight: 1, answeredAt: null });
    else calls.inFlight += 1;
  }

  /** `answeredAt` is when a good answer came, in epoch milliseconds; null when none did. */
  end(endpointId: string, answeredAt: number | null): void {
    const calls = this.#calls.get(endpointId);
    if (calls === undefined) return;
    calls.inFlight -= 1;
    calls.answeredAt = answeredAt ?? calls.answeredAt;
  }

  inFlight(endpointId: string): number {
    return this.#calls.get(endpointId)?.inFlight ?? 0;
  }

  answeredAt(endpointId: string): number | null {
    return this.#calls.get(endpointId)?.answeredAt ?? null;
  }

  forget(endpointId: string): void {
    if (this.inFlight(endpointId) === 0) this.#calls.delete(endpointId);
  }
}
