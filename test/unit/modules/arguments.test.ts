import { describe, expect, test } from 'vitest';
import {
  isUploadedFile,
  parseArguments,
  type ArgumentField,
  type ArgumentFields,
} from '../../../modules/runtime/arguments.ts';

function parse(field: Partial<ArgumentField>, given: unknown): unknown {
  const fields: ArgumentFields = { x: { type: 'string', description: '', ...field } };
  const parsed = parseArguments(fields, () => given);
  return parsed.ok ? parsed.values['x'] : parsed.errors['x']?.[0];
}

describe('arguments', () => {
  test('text is converted to the declared type, and what cannot be is said in the known words', () => {
    expect(parse({ type: 'integer' }, '12')).toBe(12);
    expect(parse({ type: 'integer' }, 12.5)).toBe('Not a valid integer.');
    expect(parse({ type: 'integer' }, '')).toBe('Not a valid integer.');
    expect(parse({ type: 'number' }, '1e-3')).toBe(0.001);
    expect(parse({ type: 'number' }, 'NaN')).toBe('Not a valid number.');
    expect(parse({ type: 'number' }, true)).toBe('Not a valid number.');
    expect(parse({ type: 'boolean' }, 'False')).toBe(false);
    expect(parse({ type: 'boolean' }, 'perhaps')).toBe('Not a valid boolean.');
    expect(parse({}, 5)).toBe('Not a valid string.');
  });

  test('limits and choices are kept', () => {
    const bounded = { type: 'integer', minimum: 1, maximum: 3 } as const;
    expect(parse(bounded, 3)).toBe(3);
    expect(parse(bounded, 4)).toBe('Must be between 1 and 3.');
    expect(parse({ type: 'number', minimum: 0 }, -1)).toBe('Must be at least 0.');
    expect(parse({ type: 'number', maximum: 0 }, 1)).toBe('Must be at most 0.');
    expect(parse({ enum: ['a', 'b'] }, 'c')).toBe('Not a valid choice.');
  });

  test('a default stands in, a required argument is missed, an optional one stays away', () => {
    const fields: ArgumentFields = {
      given: { type: 'integer', description: '', default: 7 },
      needed: { type: 'string', description: '', required: true },
      spare: { type: 'string', description: '' },
    };
    expect(parseArguments(fields, () => undefined)).toEqual({
      ok: false,
      errors: { needed: ['Missing data for required field.'] },
    });
    const parsed = parseArguments(fields, (name) => (name === 'needed' ? 'here' : undefined));
    expect(parsed).toEqual({ ok: true, values: { given: 7, needed: 'here' } });
  });

  test('a null counts as not sent', () => {
    expect(parse({ type: 'integer', default: 7 }, null)).toBe(7);
    expect(parse({ required: true }, null)).toBe('Missing data for required field.');
    expect(parse({}, null)).toBeUndefined();
  });

  test('a list comes as repeated texts, as one JSON text, or as a list', () => {
    const numbers = { type: 'array', items: 'number' } as const;
    expect(parse(numbers, ['1', '2'])).toEqual([1, 2]);
    expect(parse(numbers, ['[1, 2]'])).toEqual([1, 2]);
    expect(parse(numbers, [1, 2])).toEqual([1, 2]);
    expect(parse(numbers, ['[1,'])).toBe('Not a valid list.');
    expect(parse(numbers, [1, 'two'])).toBe('Not a valid list of numbers.');
    expect(parse({ type: 'array', items: 'object' }, [{ a: 1 }])).toEqual([{ a: 1 }]);
    expect(parse({ type: 'array', items: 'object' }, [[1]])).toBe('Not a valid list of objects.');
  });

  test('an object comes as such or as JSON text', () => {
    expect(parse({ type: 'object' }, '{"a":1}')).toEqual({ a: 1 });
    expect(parse({ type: 'object' }, [1])).toBe('Not a valid mapping type.');
  });

  test('a file comes as a form part, as base64 or as a data URL', () => {
    const part = { filename: 'a.png', contentType: 'image/png', bytes: new Uint8Array([1, 2]) };
    expect(parse({ type: 'file' }, part)).toBe(part);
    expect(parse({ type: 'file' }, 'AQI=')).toMatchObject({ bytes: Buffer.from([1, 2]) });
    const url = parse({ type: 'file' }, 'data:image/png;base64,AQI=');
    expect(url).toMatchObject({ contentType: 'image/png', bytes: Buffer.from([1, 2]) });
    expect(isUploadedFile(url)).toBe(true);
    expect(parse({ type: 'file' }, 'not base64!')).toMatch(/^Not a valid file/);
    expect(parse({ type: 'file' }, {})).toMatch(/^Not a valid file/);
  });
});
