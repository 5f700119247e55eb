import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isRecord } from '../runtime/arguments.ts';
import { classify, loadNetwork } from './classifier-network.ts';
import { loadTensorFlow } from './tensorflow.ts';

export interface RankedLabels {
  /** Most probable first. */
  readonly labels: readonly string[];
  readonly probabilities: readonly number[];
}

export interface Classifier {
  readonly labels: readonly string[];
  /** The whole of the artifact's `module.json`. */
  readonly description: Readonly<Record<string, unknown>>;
  /** The `topK` most probable labels for one prepared input vector. */
  rank(inputs: Float32Array, topK: number): RankedLabels;
}

/**
 * Loads an artifact that `trainClassifier` wrote. Throws an Error with one sentence when the folder
 * is not one, or is another module's.
 */
export async function loadClassifier(artifact: string, module: string): Promise<Classifier> {
  const description = await readDescription(artifact);
  const owner = isRecord(description['module']) ? description['module']['name'] : undefined;
  if (owner !== module) {
    throw new Error(`The artifact was made by module ${String(owner)}, not by ${module}.`);
  }
  const labels = description['labels'];
  if (!Array.isArray(labels)) throw new Error('The artifact names no labels.');
  const names = labels.map(String);
  const tf = await loadTensorFlow();
  let network: LayersModel;
  try {
    network = await loadNetwork(tf, artifact);
  } catch (error) {
    throw new Error('The artifact has no whole model.json and weights.bin.', { cause: error });
  }
  return {
    labels: names,
    description,
    rank: (inputs, topK) => rankLabels(names, classify(tf, network, inputs), topK),
  };
}

export function rankLabels(
  labels: readonly string[],
  probabilities: Float32Array,
  topK: number,
): RankedLabels {
  const order = labels.map((_, index) => index);
  const at = (index: number): number => probabilities[index] ?? 0;
  order.sort((a, b) => at(b) - at(a) || a - b);
  const best = order.slice(0, topK);
  return {
    labels: best.map((index) => labels[index] ?? ''),
    // Seven digits are all that 32 bits hold; the rest would be noise in every answer.
    probabilities: best.map((index) => Number(at(index).toPrecision(7))),
  };
}

async function readDescription(artifact: string): Promise<Readonly<Record<string, unknown>>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(join(artifact, 'module.json'), 'utf8'));
  } catch (error) {
    throw new Error('The artifact has no readable module.json.', { cause: error });
  }
  if (!isRecord(value)) throw new Error("The artifact's module.json is not an object.");
  return value;
}
