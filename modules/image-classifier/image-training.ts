import { encode } from 'fast-png';
import type { LabelledImages } from '../formats/image-data.ts';
import { readLabelledImages } from '../formats/labelled-images.ts';
import { trainClassifier, type PreparedInputs } from '../network/classifier-training.ts';
import { numberOf } from '../runtime/arguments.ts';
import { shiftPixels } from './shift-pixels.ts';
import type { TrainContext, TrainResult } from '../runtime/module.ts';
import { fillPixels } from './pixel-inputs.ts';

/**
 * Trains on any data set of labelled images: their size, channels and labels come from the data.
 */
export async function trainImages(context: TrainContext): Promise<TrainResult> {
  const images = await readLabelledImages(context.data);
  return trainClassifier(context, {
    count: images.count,
    labels: images.labels,
    label: images.label,
    prepare: (train) => prepare(images, train, numberOf(context.values, 'shift')),
  });
}

function prepare(images: LabelledImages, train: readonly number[], shift: number): PreparedInputs {
  const { shape } = images;
  const normalisation = measure(images, train);
  return {
    inputs: shape.height * shape.width * shape.channels,
    fill: (index, target, offset, random) => {
      const pixels = images.pixels(index);
      const seen = random && shift > 0 ? shiftPixels(pixels, shape, shift, random) : pixels;
      fillPixels(seen, normalisation, target, offset);
    },
    description: { input: shape, normalisation },
    sample: (index) => sampleArguments(images, index),
  };
}

/**
 * Mean and spread of all values from 0 to 1: one pair for the whole image suffices a fully
 * connected network.
 */
function measure(
  images: LabelledImages,
  train: readonly number[],
): { mean: number; deviation: number } {
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (const index of train) {
    for (const value of images.pixels(index)) {
      sum += value;
      squares += value * value;
      count++;
    }
  }
  const mean = sum / count;
  const variance = squares / count - mean * mean;
  return {
    mean: mean / 255,
    // An image set of one colour has no spread; dividing by it would make every input infinite.
    deviation: Math.sqrt(Math.max(variance, 1)) / 255,
  };
}

function sampleArguments(images: LabelledImages, index: number): Readonly<Record<string, unknown>> {
  const { height, width, channels } = images.shape;
  const data = Uint8Array.from(images.pixels(index));
  if (channels !== 1 && channels !== 3) {
    return { pixels: Array.from(data, (value) => Number((value / 255).toFixed(4))) };
  }
  const png = encode({ width, height, channels, depth: 8, data });
  return { image: Buffer.from(png).toString('base64') };
}
