import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import type { LayersModel, Sequential } from '@tensorflow/tfjs-layers';
import { writeSynced } from '../runtime/durable-files.ts';
import { seededRandom } from './seeded-random.ts';
import type { TensorFlow } from './tensorflow.ts';

export interface NetworkShape {
  readonly inputs: number;
  readonly hiddenLayers: number;
  readonly hiddenUnits: number;
  readonly classes: number;
}

/** A fully connected softmax classifier whose initial weights depend on the seed alone. */
export function buildNetwork(tf: TensorFlow, shape: NetworkShape, seed: number): Sequential {
  const random = seededRandom(seed, 1);
  const network = tf.layers.sequential({ name: 'classifier' });
  const add = (
    name: string,
    units: number,
    activation: 'relu' | 'softmax',
    first: boolean,
  ): void => {
    const kernelSeed = Math.floor(random() * 2 ** 31);
    network.add(
      tf.layers.layers.dense({
        name,
        units,
        activation,
        kernelInitializer: tf.layers.initializers.glorotUniform({ seed: kernelSeed }),
        ...(first ? { inputShape: [shape.inputs] } : {}),
      }),
    );
  };
  for (let layer = 0; layer < shape.hiddenLayers; layer++) {
    add(`hidden${layer + 1}`, shape.hiddenUnits, 'relu', layer === 0);
  }
  add('output', shape.classes, 'softmax', shape.hiddenLayers === 0);
  return network;
}

/** Writes `model.json` and `weights.bin`, the format every TensorFlow.js reads. */
export async function saveNetwork(
  tf: TensorFlow,
  network: LayersModel,
  folder: string,
): Promise<void> {
  let saved: Core.io.ModelArtifacts | null = null;
  await network.save(
    tf.core.io.withSaveHandler((artifacts) => {
      saved = artifacts;
      return Promise.resolve({
        modelArtifactsInfo: tf.core.io.getModelArtifactsInfoForJSON(artifacts),
      });
    }),
  );
  const artifacts = saved as Core.io.ModelArtifacts | null;
  if (!artifacts?.weightData) throw new Error('TensorFlow.js saved no weights.');
  await writeSynced(join(folder, 'weights.bin'), joinBuffers(artifacts.weightData));
  await writeSynced(
    join(folder, 'model.json'),
    JSON.stringify({
      format: 'layers-model',
      modelTopology: artifacts.modelTopology,
      weightsManifest: [{ paths: ['weights.bin'], weights: artifacts.weightSpecs }],
    }),
  );
}

/** Reads what `saveNetwork` wrote. Throws an Error when the folder holds no such model. */
export async function loadNetwork(tf: TensorFlow, folder: string): Promise<LayersModel> {
  const [json, weights] = await Promise.all([
    readFile(join(folder, 'model.json'), 'utf8'),
    readFile(join(folder, 'weights.bin')),
  ]);
  const document = JSON.parse(json) as Core.io.ModelJSON;
  return tf.layers.loadLayersModel(
    tf.core.io.fromMemory({
      modelTopology: document.modelTopology,
      weightSpecs: document.weightsManifest.flatMap((group) => group.weights),
      weightData: Uint8Array.from(weights).buffer,
    }),
  );
}

/** Probabilities of the classes for one vector of inputs. */
export function classify(tf: TensorFlow, network: LayersModel, inputs: Float32Array): Float32Array {
  return tf.core.tidy(() => {
    const answer = network.predict(tf.core.tensor2d(inputs, [1, inputs.length])) as Core.Tensor;
    return answer.dataSync<'float32'>().slice();
  });
}

/** `weightData` may be one buffer or several. */
export function joinBuffers(data: Core.io.WeightData): Uint8Array {
  const parts = Array.isArray(data) ? data : [data];
  return new Uint8Array(Buffer.concat(parts.map((part) => new Uint8Array(part))));
}
