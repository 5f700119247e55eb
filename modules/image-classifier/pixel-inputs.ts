export interface Normalisation {
  /** Of the values from 0 to 1 in the training part. */
  readonly mean: number;
  readonly deviation: number;
}

/** Writes bytes 0 to 255 as inputs of the network. */
export function fillPixels(
  pixels: Uint8Array,
  { mean, deviation }: Normalisation,
  target: Float32Array,
  offset: number,
): void {
  const scale = 1 / (255 * deviation);
  const shift = mean / deviation;
  for (let i = 0; i < pixels.length; i++) target[offset + i] = (pixels[i] ?? 0) * scale - shift;
}
