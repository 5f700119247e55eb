import type { ImageShape } from '../formats/image-data.ts';

/**
 * The image moved by up to `most` pixels in both directions; its edge is repeated into the gap,
 * since black need not be the background.
 */
export function shiftPixels(
  pixels: Uint8Array,
  { height, width, channels }: ImageShape,
  most: number,
  random: () => number,
): Uint8Array {
  const down = Math.floor(random() * (2 * most + 1)) - most;
  const right = Math.floor(random() * (2 * most + 1)) - most;
  const moved = new Uint8Array(pixels.length);
  const rowLength = width * channels;
  for (let y = 0; y < height; y++) {
    const row = clamp(y - down, height) * rowLength;
    for (let x = 0; x < width; x++) {
      const from = row + clamp(x - right, width) * channels;
      const to = y * rowLength + x * channels;
      for (let channel = 0; channel < channels; channel++) {
        moved[to + channel] = pixels[from + channel] ?? 0;
      }
    }
  }
  return moved;
}

function clamp(place: number, length: number): number {
  return Math.min(Math.max(place, 0), length - 1);
}
