import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';

/** The two operations of a module, as JSON Schema 2020-12 of one object of arguments. */
export interface ArgumentSchemas {
  /** Null when the document has no training. */
  readonly train: JsonObject | null;
  /** Null when the document has no prediction. */
  readonly predict: JsonObject | null;
}

/** Property keyword, `query`, `formData` or `header`: where the module's own API takes the argument. */
export const locationKeyword = 'x-location';
/** Property keyword, true: the argument is a file; as JSON it is base64 text. */
export const fileKeyword = 'x-file';

/**
 * Derives them from the Swagger 2.0 document that a module serves. The module named `model` is looked for first, then the
 * only one there is. Total: a parameter that cannot be read is taken for any value rather than refused.
 */
export function argumentSchemas(document: JsonObject, model: string | null): ArgumentSchemas {
  return {
    train: schemaOf(operationOf(document, model, 'train')),
    predict: schemaOf(operationOf(document, model, 'predict')),
  };
}

/** The names of the file arguments of a schema made here. */
export function fileArguments(schema: JsonObject): readonly string[] {
  const properties = schema['properties'];
  if (!isJsonObject(properties)) return [];
  return Object.keys(properties).filter((name) => {
    const property = properties[name];
    return isJsonObject(property) && isFile(property);
  });
}

function isFile(property: JsonObject): boolean {
  const { items } = property;
  return property[fileKeyword] === true || (isJsonObject(items) && items[fileKeyword] === true);
}

function operationOf(
  document: JsonObject,
  model: string | null,
  operation: 'train' | 'predict',
): JsonObject | null {
  const paths = document['paths'];
  if (!isJsonObject(paths)) return null;
  const ends = Object.keys(paths).filter((path) =>
    new RegExp(`/models/[^/]+/${operation}/?$`).test(path),
  );
  const path =
    ends.find((end) => end.replace(/\/$/, '').endsWith(`/models/${model}/${operation}`)) ?? ends[0];
  const item = path === undefined ? null : paths[path];
  const post = isJsonObject(item) ? item['post'] : null;
  return isJsonObject(post) ? post : null;
}

function schemaOf(operation: JsonObject | null): JsonObject | null {
  if (operation === null) return null;
  const { parameters } = operation;
  const properties: [string, JsonObject][] = [];
  const required: string[] = [];
  for (const parameter of Array.isArray(parameters) ? (parameters as readonly Json[]) : []) {
    if (!isJsonObject(parameter)) continue;
    const { name, in: location } = parameter;
    if (typeof name !== 'string' || !isArgument(name, location)) continue;
    const isAccept = location === 'header';
    const property = propertyOf(parameter, isAccept);
    properties.push([isAccept ? 'accept' : name, { ...property, [locationKeyword]: location }]);
    // A default answers for an argument that was left out, whatever the document says of it.
    if (parameter['required'] === true && !('default' in property)) required.push(name);
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: Object.fromEntries(properties),
    required,
    additionalProperties: false,
  };
}

/** Of the headers only `accept` is an argument: it chooses the media type of the answer. */
function isArgument(name: string, location: Json | undefined): location is string {
  if (location === 'query' || location === 'formData') return true;
  return location === 'header' && name.toLowerCase() === 'accept';
}

const kinds = ['string', 'integer', 'number', 'boolean', 'array', 'object'] as const;
type Kind = (typeof kinds)[number];

const sameKeywords = [
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'multipleOf',
  'pattern',
] as const;

function propertyOf(parameter: JsonObject, isAccept: boolean): JsonObject {
  const { description } = parameter;
  const about = typeof description === 'string' && description !== '' ? { description } : {};
  if (parameter['type'] === 'file') {
    return {
      type: 'string',
      contentEncoding: 'base64',
      contentMediaType: 'application/octet-stream',
      [fileKeyword]: true,
      ...about,
    };
  }
  const kind = kinds.find((one) => one === parameter['type']) ?? null;
  const { items } = parameter;
  const choices = Array.isArray(parameter['enum']) ? (parameter['enum'] as readonly Json[]) : null;
  const allowed = choices?.filter((choice) => kind === null || isOf(kind, choice)) ?? [];
  const limits = kind === null ? {} : limitsOf(parameter);
  // The reference implementation offers the first media type to a caller who names none.
  const standard = isAccept && !('default' in parameter) ? allowed[0] : parameter['default'];
  const fallback = kind === null ? null : defaultOf(kind, standard, allowed);
  return {
    ...(kind === null ? {} : { type: kind }),
    ...(kind === 'array' && isJsonObject(items) ? { items: propertyOf(items, false) } : {}),
    ...(allowed.length > 0 ? { enum: allowed } : {}),
    ...limits,
    ...(fallback === null ? {} : { default: fallback }),
    ...about,
  };
}

function limitsOf(parameter: JsonObject): JsonObject {
  const limits: [string, Json][] = [];
  for (const keyword of sameKeywords) {
    const value = parameter[keyword];
    if (value === undefined || !isLimit(keyword, value)) continue;
    // Swagger 2.0 says `exclusiveMinimum: true` beside the bound; JSON Schema 2020-12 gives the bound to that keyword.
    const exclusive = exclusives.get(keyword);
    limits.push([
      exclusive !== undefined && parameter[exclusive] === true ? exclusive : keyword,
      value,
    ]);
  }
  return Object.fromEntries(limits);
}

const exclusives: ReadonlyMap<string, string> = new Map([
  ['minimum', 'exclusiveMinimum'],
  ['maximum', 'exclusiveMaximum'],
]);

function isLimit(keyword: (typeof sameKeywords)[number], value: Json): boolean {
  if (keyword === 'uniqueItems') return typeof value === 'boolean';
  if (keyword === 'pattern') return typeof value === 'string' && isPattern(value);
  return typeof value === 'number';
}

/** Modules write patterns in Python's dialect; one that ours cannot read is left to the module. */
function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

/**
 * A default that the argument's own rule accepts, else null: a module that declares `None` or a text for a number would
 * otherwise have every caller refused for a value they never gave.
 */
function defaultOf(kind: Kind, value: Json | undefined, allowed: readonly Json[]): Json {
  if (value === undefined || value === null) return null;
  const isNumeric = (kind === 'integer' || kind === 'number') && typeof value === 'string';
  const read = isNumeric && value.trim() !== '' ? Number(value) : value;
  if (!isOf(kind, read)) return null;
  return allowed.length === 0 || allowed.includes(read) ? read : null;
}

function isOf(kind: Kind, value: Json): boolean {
  switch (kind) {
    case 'string':
    case 'boolean':
      return typeof value === kind;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isJsonObject(value);
  }
}
