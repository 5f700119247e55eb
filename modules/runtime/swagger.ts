import type { ArgumentField, ArgumentFields } from './arguments.ts';
import type { Module } from './module.ts';

/**
 * The module's API as a Swagger 2.0 document, in the manner of the reference implementation:
 * arguments of a POST are query parameters, files are form data.
 */
export function swaggerDocument(module: Module, basePath = ''): Readonly<Record<string, unknown>> {
  const model = `${basePath}/v2/models/${module.name}/`;
  const training = `${model}train/{uuid}`;
  const uuid = { in: 'path', name: 'uuid', type: 'string', required: true };
  return {
    swagger: '2.0',
    info: { title: `Module ${module.name}`, version: module.version },
    paths: {
      [`${basePath}/`]: { get: operation('Versions of the API', 'Versions') },
      [`${basePath}/v2/`]: { get: operation('The version of this API', 'Version') },
      [`${basePath}/v2/models/`]: { get: operation('The loaded models', 'ModelList') },
      [model]: { get: operation("The model's metadata", 'ModelMeta') },
      [`${model}predict/`]: {
        post: {
          ...operation('Make a prediction given the input data', 'Prediction'),
          ...withArguments(module.predictArguments),
        },
      },
      ...(module.trainArguments && {
        [`${model}train/`]: {
          get: operation('The trainings since the server started', 'TrainingList'),
          post: {
            ...operation('Start a training', 'Training'),
            ...withArguments(module.trainArguments),
          },
        },
        [training]: {
          get: { ...operation('The state of a training', 'Training'), parameters: [uuid] },
          delete: {
            ...operation('Cancel a training and forget it', 'Training'),
            parameters: [uuid],
          },
        },
      }),
    },
    definitions,
  };
}

function operation(summary: string, answer: string): Readonly<Record<string, unknown>> {
  return {
    tags: ['models'],
    summary,
    parameters: [],
    produces: ['application/json'],
    responses: { '200': { description: '', schema: { $ref: `#/definitions/${answer}` } } },
  };
}

function withArguments(fields: ArgumentFields): Readonly<Record<string, unknown>> {
  const entries = Object.entries(fields);
  const hasFile = entries.some(([, field]) => field.type === 'file');
  return {
    parameters: entries.map(([name, field]) => parameter(name, field)),
    ...(hasFile ? { consumes: ['multipart/form-data'] } : {}),
  };
}

function parameter(name: string, field: ArgumentField): Readonly<Record<string, unknown>> {
  const { type, description, required = false, items, ...limits } = field;
  return {
    in: type === 'file' ? 'formData' : 'query',
    name,
    description,
    required,
    type,
    ...(type === 'array' ? { items: { type: items ?? 'string' }, collectionFormat: 'multi' } : {}),
    ...limits,
  };
}

const text = { type: 'string' };
const link = {
  type: 'object',
  properties: { rel: text, href: text, type: text },
};

const definitions = {
  Version: {
    type: 'object',
    required: ['version', 'id'],
    properties: { version: text, id: text, links: { type: 'array', items: link } },
  },
  Versions: {
    type: 'object',
    properties: { versions: { type: 'array', items: { $ref: '#/definitions/Version' } } },
  },
  ModelMeta: {
    type: 'object',
    required: ['id', 'name', 'description'],
    properties: {
      id: text,
      name: text,
      description: text,
      license: text,
      author: text,
      version: text,
      links: { type: 'array', items: link },
    },
  },
  ModelList: {
    type: 'object',
    properties: { models: { type: 'array', items: { $ref: '#/definitions/ModelMeta' } } },
  },
  Prediction: {
    type: 'object',
    required: ['status', 'predictions'],
    properties: { status: text, predictions: {} },
  },
  Training: {
    type: 'object',
    required: ['uuid', 'date', 'status'],
    properties: {
      uuid: text,
      date: text,
      args: { type: 'object' },
      status: { type: 'string', enum: ['running', 'done', 'error', 'cancelled'] },
      message: text,
      result: { type: 'object' },
    },
  },
  TrainingList: { type: 'array', items: { $ref: '#/definitions/Training' } },
};
