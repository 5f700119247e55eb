import type { ErrorObject } from 'ajv/dist/2020.js';

/**
 * What a JSON Schema validator found, in words that need no knowledge of JSON Schema: "epochs must be at least 1; you
 * gave 0". `name` is what the reader calls the value. Needs `verbose` errors.
 */
export function schemaSentence(error: ErrorObject, name: string): string {
  const params = error.params as Readonly<Record<string, unknown>>;
  const gave = `; you gave ${shown(error.data)}`;
  switch (error.keyword) {
    case 'required':
      return `${nameOf(name, params['missingProperty'])} is missing`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return `there is no ${nameOf('', params['additionalProperty'] ?? params['unevaluatedProperty'])} here`;
    case 'type':
      return `${name} must be ${kindOf(params['type'])}${gave}`;
    case 'enum':
      return `${name} must be one of ${listed(params['allowedValues'])}${gave}`;
    case 'const':
      return `${name} must be ${shown(params['allowedValue'])}${gave}`;
    case 'minimum':
      return `${name} must be at least ${shown(params['limit'])}${gave}`;
    case 'maximum':
      return `${name} must be at most ${shown(params['limit'])}${gave}`;
    case 'exclusiveMinimum':
      return `${name} must be more than ${shown(params['limit'])}${gave}`;
    case 'exclusiveMaximum':
      return `${name} must be less than ${shown(params['limit'])}${gave}`;
    case 'multipleOf':
      return `${name} must be a multiple of ${shown(params['multipleOf'])}${gave}`;
    case 'minLength':
      return `${name} must have at least ${counted(params['limit'], 'character')}${gave}`;
    case 'maxLength':
      return `${name} must have at most ${counted(params['limit'], 'character')}${gave}`;
    case 'minItems':
      return `${name} must have at least ${counted(params['limit'], 'item')}`;
    case 'maxItems':
      return `${name} must have at most ${counted(params['limit'], 'item')}`;
    case 'uniqueItems':
      return `${name} must not have the same item twice`;
    case 'pattern':
      return `${name} must match ${shown(params['pattern'])}${gave}`;
    case 'format':
      return `${name} must be ${formatNames.get(String(params['format'])) ?? `a ${String(params['format'])}`}${gave}`;
    case 'false schema':
      return `${name} is not allowed here`;
    default:
      return `${name} ${error.message ?? 'is not valid'}${gave}`;
  }
}

const formatNames: ReadonlyMap<string, string> = new Map([
  ['uri', 'an address that begins with a scheme, as https://'],
  ['uri-reference', 'an address'],
  ['date', 'a date, as 2026-01-31'],
  ['doi', 'a DOI, as 10.5281/zenodo.1234'],
]);

const kindNames: ReadonlyMap<unknown, string> = new Map([
  ['string', 'a text'],
  ['integer', 'a whole number'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['object', 'an object'],
  ['null', 'null'],
]);

function kindOf(type: unknown): string {
  const types: readonly unknown[] = Array.isArray(type) ? type : [type];
  return types.map((one) => kindNames.get(one) ?? String(one)).join(' or ');
}

function nameOf(parent: string, member: unknown): string {
  return parent === '' ? String(member) : `${parent}.${String(member)}`;
}

function counted(limit: unknown, noun: string): string {
  return `${String(limit)} ${noun}${limit === 1 ? '' : 's'}`;
}

function listed(values: unknown): string {
  const all: readonly unknown[] = Array.isArray(values) ? values : [values];
  const some = all.slice(0, shownValues).map(shown).join(', ');
  return all.length > shownValues ? `${some}, … (${all.length} in all)` : some;
}

const shownValues = 20;
const shownLength = 80;

/** A value as it may stand in a sentence: never a page of it. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'an object';
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}
