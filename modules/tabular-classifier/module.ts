import { classifierArguments } from '../network/classifier-training.ts';
import type { Module } from '../runtime/module.ts';

export const module: Module = {
  name: 'tabular-classifier',
  version: '1.0.0',
  predictArguments: {
    features: {
      type: 'object',
      description: 'One row: the value of each column, by its name. A column left out is missing.',
    },
    rows: {
      type: 'array',
      items: 'object',
      description: 'Instead of features: up to 10,000 rows; the answer is a list in their order.',
    },
    topK: {
      type: 'integer',
      description: 'How many labels to answer, the most probable first.',
      default: 5,
      minimum: 1,
      maximum: 1000,
    },
  },
  trainArguments: {
    ...classifierArguments,
    epochs: { ...classifierArguments.epochs, default: 60 },
    batchSize: { ...classifierArguments.batchSize, default: 16 },
    learningRate: { ...classifierArguments.learningRate, default: 0.01 },
    hiddenUnits: { ...classifierArguments.hiddenUnits, default: 16 },
    checkpointEvery: { ...classifierArguments.checkpointEvery, default: 10 },
  },
  sample: null,
  weights: 'weights',
  predictsWithoutWeights: false,
  load: async (artifact) => (await import('./table-predictor.ts')).loadTablePredictor(artifact),
  train: async (context) => (await import('./table-training.ts')).trainTable(context),
  referenceData: async () => {
    const iris = await import('../data/iris.ts');
    const files = await iris.files();
    return { format: iris.format, target: iris.target, files, examples: iris.examples };
  },
};
