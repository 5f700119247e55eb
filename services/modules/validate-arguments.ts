import { createHash } from 'node:crypto';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { FathomError, InvalidInputError } from '../../domain/errors.ts';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { fileArguments } from './argument-schema.ts';
import { schemaSentence } from './schema-sentence.ts';

/**
 * Checks a module's arguments against a schema of a ModuleVersion and returns them with defaults filled in; the value
 * given is left as it is. Nothing is converted: a text is not a number. Throws InvalidInputError with one
 * INVALID_ARGUMENT for each problem, its path `path` and the way below it. `files` names the file arguments that come by
 * another way than in the value: they count as given, and are not part of what is returned.
 */
export function validateArguments(
  schema: JsonObject,
  value: Json | undefined,
  path: readonly string[] = ['arguments'],
  files: readonly string[] = [],
): JsonObject {
  const given = value ?? {};
  const name = path.at(-1) ?? 'arguments';
  if (!isJsonObject(given)) {
    throw new InvalidInputError([invalid(`${name} must be an object, as {"name": value}.`, path)]);
  }
  const misplaced = fileProblems(schema, given, path, files);
  // Defaults of arguments are filled in at the top only, so one level is copied: inputs may be long lists of numbers.
  const filled: Record<string, Json> = { ...given };
  for (const file of files) Object.defineProperty(filled, file, present);
  const validate = compiled(schema);
  const problems = validate(filled) ? [] : (validate.errors ?? []);
  const errors = [
    ...misplaced,
    ...problems
      .filter((problem) => !files.includes(pointerParts(problem.instancePath)[0] ?? ''))
      .filter((problem) => !isUnknownFile(problem, files))
      .slice(0, saidProblems)
      .map((problem) => errorOf(problem, schema, path)),
  ];
  if (errors.length > 0) throw new InvalidInputError(errors);
  for (const file of files) Reflect.deleteProperty(filled, file);
  return filled;
}

/** A list of a hundred thousand texts instead of numbers is one mistake, not a hundred thousand sentences. */
const saidProblems = 20;

const present: PropertyDescriptor = {
  value: '',
  enumerable: true,
  configurable: true,
  writable: true,
};

/** The arguments of this schema in a few words, for a sentence: `epochs, batchSize`. */
function knownArguments(schema: JsonObject): readonly string[] {
  const properties = schema['properties'];
  return isJsonObject(properties) ? Object.keys(properties) : [];
}

function fileProblems(
  schema: JsonObject,
  given: JsonObject,
  path: readonly string[],
  files: readonly string[],
): readonly FathomError[] {
  const known = fileArguments(schema);
  return files.flatMap((file) => {
    const at = [...path, file];
    if (!known.includes(file)) return [invalid(`${file} is not a file argument.`, at)];
    return Object.hasOwn(given, file)
      ? [invalid(`${file} is given twice: as an argument and as a file.`, at)]
      : [];
  });
}

function isUnknownFile(problem: ErrorObject, files: readonly string[]): boolean {
  return problem.keyword === 'additionalProperties' && files.includes(memberOf(problem) ?? '');
}

/** The member that is missing or too many. */
function memberOf(problem: ErrorObject): string | null {
  const { missingProperty, additionalProperty } = problem.params as Readonly<
    Record<string, unknown>
  >;
  const member = missingProperty ?? additionalProperty;
  return typeof member === 'string' ? member : null;
}

function errorOf(problem: ErrorObject, schema: JsonObject, path: readonly string[]): FathomError {
  const parts = pointerParts(problem.instancePath);
  const member = memberOf(problem);
  const at = member === null ? parts : [...parts, member];
  if (problem.keyword === 'additionalProperties' && parts.length === 0 && member !== null) {
    const known = knownArguments(schema);
    const choice =
      known.length === 0 ? 'it takes no arguments' : `its arguments are ${known.join(', ')}`;
    return invalid(`The module has no argument ${member}; ${choice}.`, [...path, ...at]);
  }
  return invalid(`${schemaSentence(problem, nameOf(parts))}.`, [...path, ...at]);
}

function invalid(message: string, path: readonly string[]): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path });
}

/** `rows[2].width` for `/rows/2/width`. */
function nameOf(parts: readonly string[]): string {
  return parts
    .map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`))
    .join('');
}

function pointerParts(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const keptValidators = 500;
const validators = new Map<string, ValidateFunction>();
/** Spares the digest of a schema object that was seen before. */
const byObject = new WeakMap<JsonObject, ValidateFunction>();

function compiled(schema: JsonObject): ValidateFunction {
  const seen = byObject.get(schema);
  if (seen !== undefined) return seen;
  const digest = createHash('sha256').update(canonicalJson(schema)).digest('base64');
  let validate = validators.get(digest);
  if (validate === undefined) {
    // An instance for each: ajv keeps what it compiled for ever, and modules come and go.
    const ajv = new Ajv2020({
      allErrors: true,
      verbose: true,
      useDefaults: true,
      strict: false,
      validateFormats: false,
      logger: false,
    });
    validate = ajv.compile(schema);
    const [oldest] = validators.keys();
    if (validators.size >= keptValidators && oldest !== undefined) validators.delete(oldest);
    validators.set(digest, validate);
  }
  byObject.set(schema, validate);
  return validate;
}
