import type { ImageShape } from '../formats/image-data.ts';
import { decodePng, fitImage } from '../formats/png.ts';
import { loadClassifier } from '../network/classifier-artifact.ts';
import {
  ArgumentError,
  isRecord,
  isUploadedFile,
  numberOf,
  type ArgumentValues,
  type UploadedFile,
} from '../runtime/arguments.ts';
import type { Predictor } from '../runtime/module.ts';
import { fillPixels, type Normalisation } from './pixel-inputs.ts';

/**
 * Loads a trained image classifier. Throws an Error with one sentence when the artifact cannot be
 * used.
 */
export async function loadImagePredictor(artifact: string | null): Promise<Predictor> {
  if (artifact === null) throw new Error('The image classifier needs trained weights.');
  const classifier = await loadClassifier(artifact, 'image-classifier');
  const { shape, normalisation } = readInputs(classifier.description);
  const size = shape.height * shape.width * shape.channels;
  return {
    facts: { labels: classifier.labels, input: shape },
    predict: (values) => {
      const inputs = new Float32Array(size);
      fillPixels(readPixels(values, shape), normalisation, inputs, 0);
      return classifier.rank(inputs, numberOf(values, 'topK'));
    },
  };
}

function readInputs(description: Readonly<Record<string, unknown>>): {
  readonly shape: ImageShape;
  readonly normalisation: Normalisation;
} {
  const { input, normalisation } = description;
  if (!isRecord(input) || !isRecord(normalisation)) {
    throw new Error("The artifact's module.json does not describe image inputs.");
  }
  const number = (from: Readonly<Record<string, unknown>>, name: string): number => {
    const value = from[name];
    if (typeof value !== 'number') throw new Error(`The artifact's module.json has no ${name}.`);
    return value;
  };
  return {
    shape: {
      height: number(input, 'height'),
      width: number(input, 'width'),
      channels: number(input, 'channels'),
    },
    normalisation: {
      mean: number(normalisation, 'mean'),
      deviation: number(normalisation, 'deviation'),
    },
  };
}

function readPixels(values: ArgumentValues, shape: ImageShape): Uint8Array {
  const { image, pixels } = values;
  if (isUploadedFile(image)) return decodeImage(image, shape);
  if (!Array.isArray(pixels)) {
    throw new ArgumentError('image', 'Missing data: send an image or its pixels.');
  }
  const size = shape.height * shape.width * shape.channels;
  if (pixels.length !== size) {
    throw new ArgumentError('pixels', `Must have ${size} values, has ${pixels.length}.`);
  }
  return Uint8Array.from(pixels, (value: unknown) => {
    if (typeof value !== 'number' || value < 0 || value > 1) {
      throw new ArgumentError('pixels', 'Must be values from 0 to 1.');
    }
    return Math.round(value * 255);
  });
}

function decodeImage(image: UploadedFile, shape: ImageShape): Uint8Array {
  try {
    return fitImage(decodePng(image.bytes), shape).pixels;
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'unknown';
    throw new ArgumentError('image', `Cannot be used: ${reason}.`);
  }
}
