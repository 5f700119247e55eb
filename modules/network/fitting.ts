import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as Core from '@tensorflow/tfjs-core';
import type { Sequential } from '@tensorflow/tfjs-layers';
import { writeSynced } from '../runtime/durable-files.ts';
import { InputError } from '../runtime/input-error.ts';
import { Stopped, type RunReport } from '../runtime/run-report.ts';
import { joinBuffers } from './classifier-network.ts';
import { seededRandom, shuffled } from './seeded-random.ts';
import type { TensorFlow } from './tensorflow.ts';

/**
 * Writes the inputs of one example into `target` from `offset` on; with `random`, perhaps varied as
 * a learner should see it.
 */
export type FillInputs = (
  index: number,
  target: Float32Array,
  offset: number,
  random?: () => number,
) => void;

/** Examples as a network takes them. */
export interface Examples {
  readonly inputs: number;
  readonly classes: number;
  readonly fill: FillInputs;
  readonly label: (index: number) => number;
}

export interface FitPlan {
  readonly train: readonly number[];
  /** Empty when no examples are kept for validation. */
  readonly validation: readonly number[];
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly checkpointEvery: number;
  readonly seed: number;
  /** Folder of a checkpoint of the same run, or null. */
  readonly resume: string | null;
  /** Everything but `epochs` that a resumed run must have in common with the one it continues. */
  readonly identity: string;
}

/** Loss (categorical cross-entropy) and share of right answers, averaged over examples. */
export interface Score {
  readonly loss: number;
  readonly accuracy: number;
}

/**
 * Trains with Adam and reports an epoch at a time. Every epoch starts from a state that has been
 * written down (weights and the optimiser's moments), also when nothing was interrupted: so a
 * resumed run computes the very same numbers as one that was left alone.
 */
export async function fit(
  tf: TensorFlow,
  network: Sequential,
  examples: Examples,
  plan: FitPlan,
  report: RunReport,
  signal: AbortSignal,
): Promise<Readonly<Record<string, number>>> {
  const batches = Math.ceil(plan.train.length / plan.batchSize);
  const total = batches * plan.epochs;
  const marks = Math.max(1, Math.floor(batches / 5));
  let state = plan.resume === null ? null : await restore(tf, network, plan);
  let last: Readonly<Record<string, number>> = state?.metrics ?? {};
  for (let epoch = (state?.epoch ?? 0) + 1; epoch <= plan.epochs; epoch++) {
    const optimizer = tf.core.train.adam(plan.learningRate);
    if (state) await optimizer.setWeights(decode(tf, state.moments));
    network.compile({ optimizer, loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const random = seededRandom(plan.seed, 2, epoch);
    const order = shuffled(plan.train, random);
    const sum = { loss: 0, accuracy: 0 };
    for (let batch = 0; batch < batches; batch++) {
      const part = order.slice(batch * plan.batchSize, (batch + 1) * plan.batchSize);
      const score = await trainBatch(tf, network, examples, part, random);
      sum.loss += score.loss * part.length;
      sum.accuracy += score.accuracy * part.length;
      const done = (epoch - 1) * batches + batch + 1;
      if ((batch + 1) % marks === 0 && batch + 1 < batches) report.progress(done, total, 'batch');
      // A turn of the event loop, so that a signal to stop is seen.
      if (batch % 8 === 7) await nextTurn();
      if (signal.aborted) throw new Stopped('The run was told to stop.');
    }
    last = await epochMetrics(tf, network, examples, plan, sum);
    if (!Number.isFinite(last['loss'])) {
      throw new InputError(`The loss diverged in epoch ${epoch}. Try a smaller learning rate.`);
    }
    const moments = await encode(tf, await optimizer.getWeights());
    optimizer.dispose();
    state = { epoch, metrics: last, moments };
    if (epoch % plan.checkpointEvery === 0 || epoch === plan.epochs) {
      const written = state;
      await report.checkpoint(epoch, (folder) => store(tf, network, plan, written, folder));
    }
    report.metrics(epoch, epoch * batches, last);
    report.progress(epoch * batches, total, 'batch');
  }
  return last;
}

/** Scores the network on examples it does not learn from. */
export async function evaluate(
  tf: TensorFlow,
  network: Sequential,
  examples: Examples,
  indices: readonly number[],
): Promise<Score> {
  let loss = 0;
  let right = 0;
  for (let start = 0; start < indices.length; start += 256) {
    const part = indices.slice(start, start + 256);
    const probabilities = tf.core.tidy(() => {
      const inputs = gather(examples, part);
      const answer = network.predict(tf.core.tensor2d(inputs, [part.length, examples.inputs]));
      return (answer as Core.Tensor).dataSync<'float32'>().slice();
    });
    part.forEach((index, row) => {
      const scores = probabilities.subarray(row * examples.classes, (row + 1) * examples.classes);
      const label = examples.label(index);
      loss -= Math.log(Math.max(scores[label] ?? 0, 1e-7));
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    });
    await nextTurn();
  }
  return { loss: loss / indices.length, accuracy: right / indices.length };
}

async function trainBatch(
  tf: TensorFlow,
  network: Sequential,
  examples: Examples,
  indices: readonly number[],
  random: () => number,
): Promise<Score> {
  const targets = new Float32Array(indices.length * examples.classes);
  indices.forEach((index, row) => {
    targets[row * examples.classes + examples.label(index)] = 1;
  });
  const x = tf.core.tensor2d(gather(examples, indices, random), [indices.length, examples.inputs]);
  const y = tf.core.tensor2d(targets, [indices.length, examples.classes]);
  try {
    const [loss, accuracy] = (await network.trainOnBatch(x, y)) as number[];
    return { loss: loss ?? Number.NaN, accuracy: accuracy ?? Number.NaN };
  } finally {
    tf.core.dispose([x, y]);
  }
}

function gather(
  examples: Examples,
  indices: readonly number[],
  random?: () => number,
): Float32Array {
  const inputs = new Float32Array(indices.length * examples.inputs);
  indices.forEach((index, row) => examples.fill(index, inputs, row * examples.inputs, random));
  return inputs;
}

async function epochMetrics(
  tf: TensorFlow,
  network: Sequential,
  examples: Examples,
  plan: FitPlan,
  sum: Score,
): Promise<Readonly<Record<string, number>>> {
  const count = plan.train.length;
  const metrics = { loss: sum.loss / count, accuracy: sum.accuracy / count };
  if (plan.validation.length === 0) return metrics;
  const score = await evaluate(tf, network, examples, plan.validation);
  return { ...metrics, valLoss: score.loss, valAccuracy: score.accuracy };
}

interface NamedTensor {
  readonly name: string;
  readonly tensor: Core.Tensor;
}

interface Encoded {
  readonly specs: readonly Core.io.WeightsManifestEntry[];
  readonly bytes: Uint8Array;
}

interface FitState {
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly moments: Encoded;
}

async function encode(tf: TensorFlow, tensors: readonly NamedTensor[]): Promise<Encoded> {
  const { data, specs } = await tf.core.io.encodeWeights([...tensors]);
  return { specs, bytes: joinBuffers(data) };
}

function decode(tf: TensorFlow, encoded: Encoded): NamedTensor[] {
  const { buffer } = Uint8Array.from(encoded.bytes);
  const tensors = tf.core.io.decodeWeights(buffer, [...encoded.specs]);
  return Object.entries(tensors).map(([name, tensor]) => ({ name, tensor }));
}

/** A checkpoint: `checkpoint.json`, `weights.bin` and `moments.bin`. */
async function store(
  tf: TensorFlow,
  network: Sequential,
  plan: FitPlan,
  state: FitState,
  folder: string,
): Promise<void> {
  const tensors = network.getWeights();
  const names = network.weights.map((weight) => weight.originalName);
  const weights = await encode(
    tf,
    tensors.map((tensor, i) => ({ name: names[i] ?? `weight${i}`, tensor })),
  );
  await writeSynced(join(folder, 'weights.bin'), weights.bytes);
  await writeSynced(join(folder, 'moments.bin'), state.moments.bytes);
  await writeSynced(
    join(folder, 'checkpoint.json'),
    JSON.stringify({
      identity: plan.identity,
      epoch: state.epoch,
      metrics: state.metrics,
      weights: weights.specs,
      moments: state.moments.specs,
    }),
  );
}

interface CheckpointDocument {
  readonly identity: string;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly weights: readonly Core.io.WeightsManifestEntry[];
  readonly moments: readonly Core.io.WeightsManifestEntry[];
}

async function restore(tf: TensorFlow, network: Sequential, plan: FitPlan): Promise<FitState> {
  const folder = plan.resume ?? '';
  let document: CheckpointDocument;
  let weights: Uint8Array;
  let moments: Uint8Array;
  try {
    document = JSON.parse(await readFile(join(folder, 'checkpoint.json'), 'utf8'));
    weights = await readFile(join(folder, 'weights.bin'));
    moments = await readFile(join(folder, 'moments.bin'));
  } catch {
    throw new InputError('The checkpoint to resume from is not whole.');
  }
  if (document.identity !== plan.identity) {
    throw new InputError(
      'The checkpoint belongs to a run with other data, arguments, seed or module version.',
    );
  }
  const tensors = decode(tf, { specs: document.weights, bytes: weights });
  network.setWeights(tensors.map(({ tensor }) => tensor));
  tf.core.dispose(tensors.map(({ tensor }) => tensor));
  return {
    epoch: document.epoch,
    metrics: document.metrics,
    moments: { specs: document.moments, bytes: moments },
  };
}
