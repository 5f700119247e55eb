/** What one delivery may bring, and how long its launcher may be silent. Bytes, counts, milliseconds. */
export interface DeliveryLimits {
  readonly files: number;
  readonly bytes: number;
  readonly logBytes: number;
  /** After so long without a word another launcher may take the work over. */
  readonly silenceMs: number;
}

export const deliveryLimits: DeliveryLimits = Object.freeze({
  files: 20_000,
  bytes: 256 * 1024 ** 3,
  logBytes: 256 * 1024 ** 2,
  silenceMs: 60_000,
});
