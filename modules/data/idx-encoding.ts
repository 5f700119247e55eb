import { encode } from 'fast-png';

export interface LabelledPixels {
  /** Bytes 0 to 255, row by row. */
  readonly pixels: Uint8Array;
  readonly label: number;
}

/** Grey images of one size as an IDX file of three dimensions. */
export function encodeIdxImages(
  examples: readonly LabelledPixels[],
  height: number,
  width: number,
): Uint8Array {
  const header = encodeHeader([examples.length, height, width]);
  const bytes = new Uint8Array(header.length + examples.length * height * width);
  bytes.set(header);
  examples.forEach(({ pixels }, i) => bytes.set(pixels, header.length + i * height * width));
  return bytes;
}

/** Labels as an IDX file of one dimension. */
export function encodeIdxLabels(examples: readonly LabelledPixels[]): Uint8Array {
  const header = encodeHeader([examples.length]);
  return Uint8Array.from([...header, ...examples.map(({ label }) => label)]);
}

/** A grey image as PNG bytes. */
export function encodeGreyPng(pixels: Uint8Array, height: number, width: number): Uint8Array {
  return encode({ width, height, channels: 1, depth: 8, data: pixels });
}

function encodeHeader(dimensions: readonly number[]): Uint8Array {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt8(0x08, 2);
  header.writeUInt8(dimensions.length, 3);
  dimensions.forEach((length, i) => header.writeUInt32BE(length, 4 + 4 * i));
  return new Uint8Array(header);
}
