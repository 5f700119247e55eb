import type { JsonObject } from '../../../domain/json.ts';

/** The published schemas of AI4OS metadata, oldest first; each only adds keys to the one before. */
export const v2Versions = ['2.0.0', '2.1.0', '2.2.0', '2.3.0'] as const;
export type V2Version = (typeof v2Versions)[number];
export const newestV2: V2Version = '2.3.0';

/** Keys that a version brought; in a file that declares an older one they are an oversight, not an error. */
export const newerKeys: readonly { readonly pointer: string; readonly since: V2Version }[] = [
  { pointer: '/resources/inference', since: '2.1.0' },
  { pointer: '/links/self', since: '2.2.0' },
  { pointer: '/resources/training', since: '2.3.0' },
];

/** Keys of the older format (V1) that V2 forbids, and what says the same there. */
export const forbiddenKeys: ReadonlyMap<string, string> = new Map([
  ['tosca', 'nothing'],
  ['sources', 'links'],
  ['dataset_url', 'links.dataset'],
  ['cite_url', 'links.citation'],
  ['date_creation', 'dates.created'],
  ['keywords', 'tags'],
]);

export const resourceKeys = [
  'cpu',
  'gpu',
  'memory_MB',
  'gpu_memory_MB',
  'gpu_compute_capability',
  'storage_MB',
] as const;

/** JSON Schema 2020-12 of a file that declares `version`. */
export function v2Schema(version: V2Version): JsonObject {
  const knows = (pointer: string) =>
    newerKeys.every((key) => key.pointer !== pointer || key.since <= version);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: [
      'metadata_version',
      'title',
      'summary',
      'description',
      'links',
      'libraries',
      'tasks',
      'categories',
      'tags',
    ],
    properties: {
      metadata_version: { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' },
      title: text,
      summary: text,
      description: text,
      doi: { type: 'string', format: 'doi' },
      links: {
        type: 'object',
        required: ['source_code'],
        properties: {
          source_code: uri,
          ...(knows('/links/self') && { self: uri }),
          documentation: uri,
          docker_image: uri,
          zenodo_doi: uri,
          dataset: uri,
          weights: uri,
          citation: uri,
          base_model: uri,
        },
      },
      dates: {
        type: 'object',
        required: ['created', 'updated'],
        properties: { created: date, updated: date },
      },
      libraries: setOf(libraries),
      tasks: setOf(tasks),
      categories: setOf(categories),
      tags: { type: 'array', uniqueItems: true, items: text },
      'data-type': setOf(dataTypes),
      resources: {
        type: 'object',
        properties: {
          ...(knows('/resources/inference') && { inference: resources }),
          ...(knows('/resources/training') && { training: resources }),
        },
      },
      ...Object.fromEntries([...forbiddenKeys.keys()].map((key) => [key, false])),
    },
  };
}

const text = { type: 'string' };
const uri = { type: 'string', format: 'uri' };
const date = { type: 'string', format: 'date' };

function setOf(values: readonly string[]): JsonObject {
  return { type: 'array', uniqueItems: true, items: { enum: values } };
}

const resources: JsonObject = {
  type: 'object',
  properties: Object.fromEntries(
    resourceKeys.map((key) => [
      key,
      { type: key === 'gpu_compute_capability' ? 'number' : 'integer', minimum: 0 },
    ]),
  ),
};

export const libraries = [
  'TensorFlow',
  'PyTorch',
  'Keras',
  'Scikit-learn',
  'XGBoost',
  'LightGBM',
  'CatBoost',
  'Other',
] as const;

const tasks = [
  'Computer Vision',
  'Natural Language Processing',
  'Time Series',
  'Recommender Systems',
  'Anomaly Detection',
  'Regression',
  'Classification',
  'Clustering',
  'Dimensionality Reduction',
  'Generative Models',
  'Graph Neural Networks',
  'Optimization',
  'Reinforcement Learning',
  'Transfer Learning',
  'Uncertainty Estimation',
  'Other',
] as const;

export const categories = [
  'AI4 pre trained',
  'AI4 trainable',
  'AI4 inference',
  'AI4 tools',
] as const;

const dataTypes = [
  'Image',
  'Text',
  'Time Series',
  'Tabular',
  'Graph',
  'Audio',
  'Video',
  'Other',
] as const;
