import { describe, expect, it } from 'vitest';
import { InvalidInputError } from '../../../../domain/errors.ts';
import type { Json, JsonObject } from '../../../../domain/json.ts';
import { argumentSchemas, fileArguments } from '../../../../services/modules/argument-schema.ts';
import { validateArguments } from '../../../../services/modules/validate-arguments.ts';

const schema: JsonObject = {
  type: 'object',
  properties: {
    epochs: { type: 'integer', minimum: 1, maximum: 100, default: 5 },
    rate: { type: 'number', exclusiveMinimum: 0, default: 0.1 },
    network: { type: 'string', enum: ['mlp', 'cnn'], default: 'mlp' },
    rows: { type: 'array', items: { type: 'number' } },
    name: { type: 'string' },
    image: { type: 'string', contentEncoding: 'base64', 'x-file': true },
  },
  required: ['name'],
  additionalProperties: false,
};

function problems(value: Json | undefined, files: readonly string[] = []): readonly string[] {
  try {
    validateArguments(schema, value, ['arguments'], files);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return error.errors.map((one) => `${one.code} ${one.inputPath.join('/')}: ${one.message}`);
  }
  return [];
}

describe('the arguments of a module', () => {
  it('come back with the defaults of those left out, and the value given stays as it was', () => {
    const given = { name: 'a', epochs: 7 };
    const filled = validateArguments(schema, given);
    expect(filled).toEqual({ name: 'a', epochs: 7, rate: 0.1, network: 'mlp' });
    expect(given).toEqual({ name: 'a', epochs: 7 });
  });

  it('are refused all at once, each with its path and a sentence', () => {
    expect(problems({ epochs: 0, rate: 0, network: 'rnn', rows: [1, 'x'], nam: 'a' })).toEqual(
      expect.arrayContaining([
        'INVALID_ARGUMENT arguments/epochs: epochs must be at least 1; you gave 0.',
        'INVALID_ARGUMENT arguments/rate: rate must be more than 0; you gave 0.',
        'INVALID_ARGUMENT arguments/network: network must be one of "mlp", "cnn"; you gave "rnn".',
        'INVALID_ARGUMENT arguments/rows/1: rows[1] must be a number; you gave "x".',
        'INVALID_ARGUMENT arguments/name: name is missing.',
        'INVALID_ARGUMENT arguments/nam: The module has no argument nam; its arguments are epochs, rate, network, rows, name, image.',
      ]),
    );
    expect(problems({ epochs: 0, rate: 0, network: 'rnn', rows: [1, 'x'], nam: 'a' })).toHaveLength(
      6,
    );
  });

  it('are never converted: the text "3" is not the number 3', () => {
    expect(problems({ name: 'a', epochs: '3' })).toEqual([
      'INVALID_ARGUMENT arguments/epochs: epochs must be a whole number; you gave "3".',
    ]);
  });

  it('must be an object', () => {
    expect(problems([])).toEqual([
      'INVALID_ARGUMENT arguments: arguments must be an object, as {"name": value}.',
    ]);
  });

  it('count a file as given when it comes by another way, and only a file argument may', () => {
    expect(problems({ name: 'a' }, ['image'])).toEqual([]);
    expect(validateArguments(schema, { name: 'a' }, ['arguments'], ['image'])).not.toHaveProperty(
      'image',
    );
    expect(problems({ name: 'a' }, ['epochs'])).toEqual([
      'INVALID_ARGUMENT arguments/epochs: epochs is not a file argument.',
    ]);
    expect(problems({ name: 'a', image: 'aGk=' }, ['image'])).toEqual([
      'INVALID_ARGUMENT arguments/image: image is given twice: as an argument and as a file.',
    ]);
  });

  it('are not led astray by names that objects inherit', () => {
    const hostile = JSON.parse('{"name":"a","__proto__":{"polluted":1},"constructor":1}') as Json;
    expect(problems(hostile)).toHaveLength(2);
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('name at most twenty problems of a long list', () => {
    expect(problems({ name: 'a', rows: Array.from({ length: 5000 }, () => 'x') })).toHaveLength(20);
  });
});

describe('the schemas from a Swagger 2.0 document', () => {
  const document: JsonObject = {
    swagger: '2.0',
    paths: {
      '/v2/models/other/predict/': { post: { parameters: [] } },
      '/api/v2/models/demo/predict/': {
        post: {
          produces: ['application/json', 'image/png'],
          parameters: [
            { in: 'header', name: 'Accept', type: 'string', enum: ['image/png', '*/*'] },
            { in: 'header', name: 'X-Trace', type: 'string' },
            { in: 'formData', name: 'data', type: 'file', required: true, description: 'A photo.' },
            {
              in: 'query',
              name: 'threshold',
              type: 'number',
              minimum: 0,
              exclusiveMinimum: true,
              default: '0.5',
            },
            { in: 'query', name: 'top', type: 'integer', required: true, default: 3 },
            {
              in: 'query',
              name: 'words',
              type: 'array',
              items: { type: 'string' },
              collectionFormat: 'multi',
            },
            { in: 'query', name: 'mode', type: 'string', enum: ['a', 'b'], default: 'c' },
            { in: 'path', name: 'uuid', type: 'string' },
          ],
        },
      },
    },
  };
  const { train, predict } = argumentSchemas(document, 'demo');

  it('have no training where the document has none', () => {
    expect(train).toBeNull();
  });

  it('turn parameters into properties and refuse every other argument', () => {
    expect(predict).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: {
        accept: {
          type: 'string',
          enum: ['image/png', '*/*'],
          default: 'image/png',
          'x-location': 'header',
        },
        data: {
          type: 'string',
          contentEncoding: 'base64',
          contentMediaType: 'application/octet-stream',
          'x-file': true,
          description: 'A photo.',
          'x-location': 'formData',
        },
        threshold: { type: 'number', exclusiveMinimum: 0, default: 0.5, 'x-location': 'query' },
        top: { type: 'integer', default: 3, 'x-location': 'query' },
        words: { type: 'array', items: { type: 'string' }, 'x-location': 'query' },
        // A default outside the module's own choices would be refused in the caller's name.
        mode: { type: 'string', enum: ['a', 'b'], 'x-location': 'query' },
      },
      required: ['data'],
      additionalProperties: false,
    });
    expect(fileArguments(predict ?? {})).toEqual(['data']);
  });

  it('survive a document of any shape', () => {
    for (const odd of [
      {},
      { paths: [] },
      { paths: { '/v2/models/x/train/': { post: { parameters: [1, { name: 2 }] } } } },
    ]) {
      expect(() => argumentSchemas(odd, null)).not.toThrow();
    }
  });
});
