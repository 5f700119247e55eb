/** Milliseconds, a number of tries aside. */
export interface EndpointTimings {
  /** Between looks until WARM, and from then on. */
  readonly warmingLookMs: number;
  readonly warmLookMs: number;
  /** An endpoint that answered nobody for so long is asked the sample again. */
  readonly reproveAfterMs: number;
  /** For the list of models and the sample together. */
  readonly probeDeadlineMs: number;
  /** Failed probes or lost servers in a row before FAILED. */
  readonly tries: number;
  /**
   * How long a replaced endpoint goes on at least: longer than readers of another process may still route to it, and than
   * it takes to hear of their calls. Those under way then are waited for, up to `longestDrainMs`.
   */
  readonly drainMs: number;
  readonly longestDrainMs: number;
  /** Between tries to find a backend that is not configured. */
  readonly backendRetryMs: number;
}

export const defaultTimings: EndpointTimings = Object.freeze({
  warmingLookMs: 150,
  warmLookMs: 2_000,
  reproveAfterMs: 300_000,
  probeDeadlineMs: 30_000,
  tries: 4,
  drainMs: 3_000,
  longestDrainMs: 305_000,
  backendRetryMs: 10_000,
});
