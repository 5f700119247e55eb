import type { Module } from '../runtime/module.ts';

export const module: Module = {
  name: 'language-detector',
  version: '1.0.0',
  predictArguments: {
    text: {
      type: 'string',
      description: 'The text; a sentence or more gives the best answer.',
      required: true,
    },
    topK: {
      type: 'integer',
      description: 'How many languages to answer, the most probable first.',
      default: 3,
      minimum: 1,
      maximum: 200,
    },
  },
  trainArguments: null,
  sample: {
    arguments: {
      text: 'All human beings are born free and equal in dignity and rights.',
      topK: 3,
    },
    expect: { label: 'eng' },
  },
  weights: null,
  predictsWithoutWeights: true,
  load: async () => (await import('./language-predictor.ts')).loadLanguagePredictor(),
};
