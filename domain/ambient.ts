/** What a use case may not take from the air: time and randomness are handed in. */
export interface Ambient {
  /** Epoch milliseconds, whole. */
  now(): number;
  /** In [0, 1). */
  random(): number;
}
