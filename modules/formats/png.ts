import { convertIndexedToRgb, decode, type DecodedPng } from 'fast-png';
import type { ImageShape } from './image-data.ts';

export interface Image extends ImageShape {
  /** Bytes 0 to 255, row by row, channels last. */
  readonly pixels: Uint8Array;
}

/**
 * Decodes a PNG of any colour type to grey or red, green and blue; an alpha channel is dropped.
 * Throws an Error that completes "the file is …" when they cannot be read.
 */
export function decodePng(bytes: Uint8Array): Image {
  refuseHuge(bytes);
  let png: DecodedPng;
  try {
    png = decode(bytes);
  } catch (error) {
    throw new Error(`not a readable PNG (${error instanceof Error ? error.message : 'unknown'})`, {
      cause: error,
    });
  }
  const { width, height } = png;
  if (png.palette) {
    const channels = png.palette[0]?.length ?? 3;
    return dropAlpha(convertIndexedToRgb(png), { width, height, channels });
  }
  return dropAlpha(toBytes(png), { width, height, channels: png.channels });
}

/**
 * The image with the height, width and channels a model wants: bilinear in space; grey by
 * luminance, colour by repetition.
 */
export function fitImage(image: Image, shape: ImageShape): Image {
  return resize(convertChannels(image, shape.channels), shape.width, shape.height);
}

const mostPixels = 50_000_000;

/** A few bytes can claim an image of any size; the claim is read before memory is asked for. */
function refuseHuge(bytes: Uint8Array): void {
  if (bytes.length < 24) return;
  const header = new DataView(bytes.buffer, bytes.byteOffset, 24);
  const pixels = header.getUint32(16) * header.getUint32(20);
  if (pixels > mostPixels)
    throw new Error(`an image of ${pixels} pixels, at most ${mostPixels} are read`);
}

function toBytes(png: DecodedPng): Uint8Array {
  const { data, depth, width, height } = png;
  if (depth === 16) return Uint8Array.from(data, (value) => value >> 8);
  if (depth === 8) return Uint8Array.from(data);
  // Grey of 1, 2 or 4 bits: several pixels a byte, each row padded to whole bytes.
  const rowBytes = Math.ceil((width * depth) / 8);
  const largest = (1 << depth) - 1;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)] ?? 0;
    return (((byte >> (8 - depth - (bit & 7))) & largest) * 255) / largest;
  });
}

function dropAlpha(pixels: Uint8Array, shape: ImageShape): Image {
  const { width, height } = shape;
  const channels = shape.channels >= 3 ? 3 : 1;
  if (channels === shape.channels) return { width, height, channels, pixels };
  const kept = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      kept[pixel * channels + channel] = pixels[pixel * shape.channels + channel] ?? 0;
    }
  }
  return { width, height, channels, pixels: kept };
}

function convertChannels(image: Image, channels: number): Image {
  if (image.channels === channels) return image;
  const { width, height } = image;
  const pixels = new Uint8Array(width * height * channels);
  for (let pixel = 0; pixel < width * height; pixel++) {
    const grey = luminance(image, pixel);
    pixels.fill(grey, pixel * channels, (pixel + 1) * channels);
  }
  return { width, height, channels, pixels };
}

function luminance(image: Image, pixel: number): number {
  const start = pixel * image.channels;
  const red = image.pixels[start] ?? 0;
  if (image.channels < 3) return red;
  const green = image.pixels[start + 1] ?? 0;
  const blue = image.pixels[start + 2] ?? 0;
  return Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
}

function resize(image: Image, width: number, height: number): Image {
  if (image.width === width && image.height === height) return image;
  const { channels } = image;
  const pixels = new Uint8Array(width * height * channels);
  const columns = sampling(image.width, width);
  const rows = sampling(image.height, height);
  const at = (row: number, column: number, channel: number): number =>
    image.pixels[(row * image.width + column) * channels + channel] ?? 0;
  let target = 0;
  for (const y of rows) {
    for (const x of columns) {
      for (let channel = 0; channel < channels; channel++) {
        const top =
          at(y.low, x.low, channel) * (1 - x.share) + at(y.low, x.high, channel) * x.share;
        const bottom =
          at(y.high, x.low, channel) * (1 - x.share) + at(y.high, x.high, channel) * x.share;
        pixels[target++] = Math.round(top * (1 - y.share) + bottom * y.share);
      }
    }
  }
  return { width, height, channels, pixels };
}

interface Sampling {
  readonly low: number;
  readonly high: number;
  /** Weight of `high`. */
  readonly share: number;
}

/** Where each target pixel's centre falls among the source pixels' centres. */
function sampling(source: number, target: number): readonly Sampling[] {
  return Array.from({ length: target }, (_, i) => {
    const place = Math.min(Math.max(((i + 0.5) * source) / target - 0.5, 0), source - 1);
    const low = Math.floor(place);
    return { low, high: Math.min(low + 1, source - 1), share: place - low };
  });
}
