import { classifierArguments } from '../network/classifier-training.ts';
import type { Module } from '../runtime/module.ts';

export const module: Module = {
  name: 'image-classifier',
  version: '1.0.0',
  predictArguments: {
    image: {
      type: 'file',
      description: 'A PNG image of any size; it is fitted to the size the model was trained on.',
    },
    pixels: {
      type: 'array',
      items: 'number',
      description: 'Instead of an image: its values from 0 to 1, row by row, channels last.',
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
    batchSize: { ...classifierArguments.batchSize, default: 64 },
    learningRate: { ...classifierArguments.learningRate, default: 0.002 },
    hiddenUnits: { ...classifierArguments.hiddenUnits, default: 128 },
    shift: {
      type: 'integer',
      description:
        'Pixels by which an example may be moved each time it is seen, so that the place of a thing matters less; 0 turns it off.',
      default: 1,
      minimum: 0,
      maximum: 32,
    },
  },
  sample: null,
  weights: 'weights',
  predictsWithoutWeights: false,
  load: async (artifact) => (await import('./image-predictor.ts')).loadImagePredictor(artifact),
  train: async (context) => (await import('./image-training.ts')).trainImages(context),
  referenceData: async () => {
    const digits = await import('../data/digits.ts');
    const files = await digits.files();
    return { format: digits.format, target: digits.target, files, examples: digits.examples };
  },
};
