/**
 * How a module declares one argument; the Swagger document and the validation both come from it.
 */
export interface ArgumentField {
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object' | 'file';
  readonly description: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly enum?: readonly string[];
  /** Type of an array's members. */
  readonly items?: 'string' | 'number' | 'object';
}

export type ArgumentFields = Readonly<Record<string, ArgumentField>>;

/** A file sent with a request. */
export interface UploadedFile {
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export type ArgumentValue =
  string | number | boolean | readonly unknown[] | Readonly<Record<string, unknown>> | UploadedFile;

export type ArgumentValues = Readonly<Record<string, ArgumentValue>>;

/** Messages by argument name: the body of a 422 answer. */
export type ArgumentErrors = Readonly<Record<string, readonly string[]>>;

/** Thrown by a module that finds a value it cannot use although it has the declared type. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError';
  readonly field: string;
  constructor(field: string, message: string) {
    super(message);
    this.field = field;
  }
}

export type ParsedArguments =
  | { readonly ok: true; readonly values: ArgumentValues }
  | { readonly ok: false; readonly errors: ArgumentErrors };

/**
 * Turns what a client sent into typed values, or into messages in the words of the reference
 * implementation's validation library, which clients match on. `find` answers undefined for an
 * argument that was not sent; text is converted, since query strings and forms have nothing else.
 * Arguments nobody declared are ignored, as there.
 */
export function parseArguments(
  fields: ArgumentFields,
  find: (name: string, field: ArgumentField) => unknown,
): ParsedArguments {
  const values: Record<string, ArgumentValue> = {};
  const errors: Record<string, readonly string[]> = {};
  for (const [name, field] of Object.entries(fields)) {
    const given = find(name, field);
    if (given === undefined || given === null) {
      if (field.default !== undefined) values[name] = field.default;
      else if (field.required) errors[name] = ['Missing data for required field.'];
      continue;
    }
    const result = convert(field, given);
    if (typeof result === 'object' && 'invalid' in result) errors[name] = [result.invalid];
    else values[name] = result.value;
  }
  return Object.keys(errors).length > 0 ? { ok: false, errors } : { ok: true, values };
}

type Converted = { readonly value: ArgumentValue } | { readonly invalid: string };

function convert(field: ArgumentField, given: unknown): Converted {
  switch (field.type) {
    case 'string':
      if (typeof given !== 'string') return { invalid: 'Not a valid string.' };
      return field.enum && !field.enum.includes(given)
        ? { invalid: 'Not a valid choice.' }
        : { value: given };
    case 'integer':
    case 'number':
      return convertNumber(field, given);
    case 'boolean':
      return convertBoolean(given);
    case 'array':
      return convertArray(field, given);
    case 'object': {
      const value = typeof given === 'string' ? parseJson(given) : given;
      return isRecord(value) ? { value } : { invalid: 'Not a valid mapping type.' };
    }
    case 'file':
      return convertFile(given);
  }
}

function convertNumber(field: ArgumentField, given: unknown): Converted {
  const integer = field.type === 'integer';
  const invalid = integer ? 'Not a valid integer.' : 'Not a valid number.';
  const usable = typeof given === 'number' || (typeof given === 'string' && given.trim() !== '');
  const value = usable ? Number(given) : Number.NaN;
  if (!Number.isFinite(value) || (integer && !Number.isSafeInteger(value))) return { invalid };
  const { minimum, maximum } = field;
  const tooSmall = minimum !== undefined && value < minimum;
  const tooLarge = maximum !== undefined && value > maximum;
  if (!tooSmall && !tooLarge) return { value };
  if (minimum !== undefined && maximum !== undefined)
    return { invalid: `Must be between ${minimum} and ${maximum}.` };
  return { invalid: tooSmall ? `Must be at least ${minimum}.` : `Must be at most ${maximum}.` };
}

const truthy = new Set(['true', 'True', 'TRUE', 't', 'T', '1', 'yes', 'on']);
const falsy = new Set(['false', 'False', 'FALSE', 'f', 'F', '0', 'no', 'off']);

function convertBoolean(given: unknown): Converted {
  if (typeof given === 'boolean') return { value: given };
  const text = String(given);
  if (truthy.has(text)) return { value: true };
  return falsy.has(text) ? { value: false } : { invalid: 'Not a valid boolean.' };
}

function convertArray(field: ArgumentField, given: unknown): Converted {
  const members = typeof given === 'string' ? [given] : given;
  if (!Array.isArray(members)) return { invalid: 'Not a valid list.' };
  const only: unknown = members.length === 1 ? members[0] : undefined;
  // A form cannot repeat a field of a thousand numbers conveniently: one JSON text is taken too.
  const list: unknown =
    typeof only === 'string' && only.trimStart().startsWith('[') ? parseJson(only) : members;
  if (!Array.isArray(list)) return { invalid: 'Not a valid list.' };
  const values: unknown[] = [];
  for (const member of list as readonly unknown[]) {
    const value = convertMember(field.items ?? 'string', member);
    if (value === undefined) return { invalid: `Not a valid list of ${field.items ?? 'string'}s.` };
    values.push(value);
  }
  return { value: values };
}

function convertMember(items: 'string' | 'number' | 'object', member: unknown): unknown {
  if (items === 'string') return typeof member === 'string' ? member : undefined;
  if (items === 'object') {
    const value = typeof member === 'string' ? parseJson(member) : member;
    return isRecord(value) ? value : undefined;
  }
  const usable = typeof member === 'number' || (typeof member === 'string' && member.trim() !== '');
  return usable && Number.isFinite(Number(member)) ? Number(member) : undefined;
}

/**
 * A file arrives as a part of a form, or, where only JSON can be sent, as base64 text or a data
 * URL.
 */
function convertFile(given: unknown): Converted {
  if (isUploadedFile(given)) return { value: given };
  if (typeof given !== 'string') return { invalid: 'Not a valid file.' };
  const url = /^data:([\w.+/-]+)?(?:;[\w=-]+)*;base64,/.exec(given);
  const text = url ? given.slice(url[0].length) : given;
  if (text === '' || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) {
    return { invalid: 'Not a valid file: expected a form part or base64 text.' };
  }
  return {
    value: {
      filename: 'inline',
      contentType: url?.[1] ?? 'application/octet-stream',
      bytes: Buffer.from(text, 'base64'),
    },
  };
}

/** The value of an argument that was validated as a number and has a default or is required. */
export function numberOf(values: ArgumentValues, name: string): number {
  const value = values[name];
  if (typeof value !== 'number') throw new Error(`Argument ${name} has no number.`);
  return value;
}

export function isUploadedFile(value: unknown): value is UploadedFile {
  return isRecord(value) && value['bytes'] instanceof Uint8Array;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
