import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { numberOf, type ArgumentFields } from '../runtime/arguments.ts';
import { writeSynced } from '../runtime/durable-files.ts';
import { InputError } from '../runtime/input-error.ts';
import type { Sample, TrainContext, TrainResult } from '../runtime/module.ts';
import { buildNetwork, classify, saveNetwork } from './classifier-network.ts';
import { evaluate, fit, type Examples, type FillInputs } from './fitting.ts';
import { seededRandom, shuffled } from './seeded-random.ts';
import { loadTensorFlow } from './tensorflow.ts';

/** Training arguments that every classifier here has. */
export const classifierArguments = {
  epochs: {
    type: 'integer',
    description: 'How often the network sees every training example.',
    default: 10,
    minimum: 1,
    maximum: 500,
  },
  batchSize: {
    type: 'integer',
    description: 'Examples behind one step of the optimiser.',
    default: 32,
    minimum: 1,
    maximum: 4096,
  },
  learningRate: {
    type: 'number',
    description: 'Step size of the Adam optimiser.',
    default: 0.001,
    minimum: 0.000001,
    maximum: 1,
  },
  hiddenLayers: {
    type: 'integer',
    description: 'Layers between input and output; 0 is logistic regression.',
    default: 1,
    minimum: 0,
    maximum: 8,
  },
  hiddenUnits: {
    type: 'integer',
    description: 'Width of a hidden layer.',
    default: 64,
    minimum: 1,
    maximum: 4096,
  },
  validationFraction: {
    type: 'number',
    description: 'Share of the training part that is kept aside and scored after every epoch.',
    default: 0.1,
    minimum: 0,
    maximum: 0.5,
  },
  checkpointEvery: {
    type: 'integer',
    description: 'Epochs between two checkpoints; the last epoch always leaves one.',
    default: 1,
    minimum: 1,
    maximum: 500,
  },
} as const satisfies ArgumentFields;

export interface ClassifierData {
  readonly count: number;
  readonly labels: readonly string[];
  readonly label: (index: number) => number;
  /**
   * Learns what inputs look like (means, spreads, categories) from the examples given, which never
   * include the test part.
   */
  prepare(train: readonly number[]): PreparedInputs;
}

export interface PreparedInputs {
  readonly inputs: number;
  /**
   * With `random`, the example may be varied as a learner should see it; without, it is written as
   * it is.
   */
  readonly fill: FillInputs;
  /** Goes into the artifact's `module.json`: all that a predictor needs to prepare inputs alike. */
  readonly description: Readonly<Record<string, unknown>>;
  /** One example as the arguments of a prediction. */
  sample(index: number): Readonly<Record<string, unknown>>;
}

/**
 * Trains a softmax network on prepared examples, evaluates it on the test part and writes a
 * complete artifact.
 */
export async function trainClassifier(
  context: TrainContext,
  data: ClassifierData,
): Promise<TrainResult> {
  const { values, seed, split, report, signal, artifact } = context;
  checkSplit(data, context);
  const order = shuffled(split.train, seededRandom(seed, 3));
  const kept = Math.floor(order.length * numberOf(values, 'validationFraction'));
  const validation = order.slice(0, kept);
  const train = order.slice(kept);
  const prepared = data.prepare(train);
  const examples: Examples = {
    inputs: prepared.inputs,
    classes: data.labels.length,
    fill: prepared.fill,
    label: data.label,
  };
  const tf = await loadTensorFlow();
  const shape = {
    inputs: prepared.inputs,
    hiddenLayers: numberOf(values, 'hiddenLayers'),
    hiddenUnits: numberOf(values, 'hiddenUnits'),
    classes: data.labels.length,
  };
  const network = buildNetwork(tf, shape, seed);
  report.phase('RUNNING');
  const plan = {
    train,
    validation,
    epochs: numberOf(values, 'epochs'),
    batchSize: numberOf(values, 'batchSize'),
    learningRate: numberOf(values, 'learningRate'),
    checkpointEvery: numberOf(values, 'checkpointEvery'),
    seed,
    resume: context.resume,
    identity: identify(context, data, shape, train, prepared),
  };
  const last = await fit(tf, network, examples, plan, report, signal);
  report.phase('EVALUATING');
  const score = await evaluate(tf, network, examples, split.test);
  await saveNetwork(tf, network, artifact);
  const description = {
    module: context.module,
    labels: data.labels,
    ...prepared.description,
  };
  await writeSynced(join(artifact, 'module.json'), JSON.stringify(description, null, 2) + '\n');
  const answer = (index: number): number => {
    const inputs = new Float32Array(prepared.inputs);
    prepared.fill(index, inputs, 0);
    const probabilities = classify(tf, network, inputs);
    return probabilities.indexOf(Math.max(...probabilities));
  };
  const sample = chooseSample(data, prepared, split.test, answer);
  await writeSynced(join(artifact, 'sample.json'), JSON.stringify(sample, null, 2) + '\n');
  return {
    metrics: {
      testAccuracy: score.accuracy,
      testLoss: score.loss,
      ...last,
      parameters: network.countParams(),
    },
    labels: data.labels,
  };
}

function checkSplit(data: ClassifierData, { split }: TrainContext): void {
  const outside = [...split.train, ...split.test].find((index) => index >= data.count);
  if (outside !== undefined) {
    throw new InputError(`The split names example ${outside}, the data set has ${data.count}.`);
  }
  if (data.labels.length < 2) {
    throw new InputError('The data set has a single label: there is nothing to tell apart.');
  }
}

/**
 * A held-out example that the model gets right: a server that answers otherwise does not serve this
 * model.
 */
function chooseSample(
  data: ClassifierData,
  prepared: PreparedInputs,
  test: readonly number[],
  answer: (index: number) => number,
): Sample {
  const right = test.slice(0, 1000).find((index) => answer(index) === data.label(index));
  const index = right ?? test[0] ?? 0;
  return {
    arguments: prepared.sample(index),
    expect: { label: data.labels[answer(index)] ?? '' },
  };
}

function identify(
  context: TrainContext,
  data: ClassifierData,
  shape: object,
  train: readonly number[],
  prepared: PreparedInputs,
): string {
  const { epochs: _epochs, checkpointEvery: _every, ...values } = context.values;
  const facts = {
    module: context.module,
    seed: context.seed,
    values,
    shape,
    labels: data.labels,
    description: prepared.description,
  };
  return createHash('sha256')
    .update(JSON.stringify(facts))
    .update(Uint32Array.from(train))
    .digest('hex');
}
