import { readFile } from 'node:fs/promises';
import { InputError } from '../runtime/input-error.ts';
import type { DataFile } from '../runtime/workload.ts';
import type { LabelledImages } from './image-data.ts';
import { decodePng, fitImage, type Image } from './png.ts';

/**
 * Reads PNG files whose parent folder is their label. The first file, by path, sets the size and
 * the channels; the others are fitted to it.
 */
export async function readImageFolder(files: readonly DataFile[]): Promise<LabelledImages> {
  // Code units, not a locale: the index of an example must not depend on the machine.
  const images = files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const labels = [...new Set(images.map(labelOf))].toSorted();
  const classes = new Map(labels.map((label, index) => [label, index]));
  const pixels: Uint8Array[] = [];
  let first: Image | null = null;
  for (const file of images) {
    const image = await readImage(file);
    first ??= image;
    pixels.push(fitImage(image, first).pixels);
  }
  const { height, width, channels } = first ?? { height: 0, width: 0, channels: 1 };
  return {
    count: images.length,
    shape: { height, width, channels },
    labels,
    pixels: (index) => pixels[index] ?? new Uint8Array(),
    label: (index) => {
      const file = images[index];
      return (file && classes.get(labelOf(file))) ?? 0;
    },
  };
}

async function readImage(file: DataFile): Promise<Image> {
  const bytes = await readFile(file.location);
  try {
    return decodePng(bytes);
  } catch (error) {
    throw new InputError(`File ${file.path} is ${error instanceof Error ? error.message : 'bad'}.`);
  }
}

function labelOf(file: DataFile): string {
  const parts = file.path.split('/');
  const label = parts.at(-2);
  if (label === undefined) {
    throw new InputError(`File ${file.path} is in no folder, so it has no label.`);
  }
  return label;
}
