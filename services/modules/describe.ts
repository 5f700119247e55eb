import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { Finding, ModuleSample, StockDeepaas } from '../../domain/module.ts';
import { InvalidInputError } from '../../domain/errors.ts';
import { argumentSchemas } from './argument-schema.ts';
import { validateArguments } from './validate-arguments.ts';

/**
 * Asks the code in a module's folder what it is; handed in by the server, which runs it in a process of its own. Resolves
 * to the JSON document it gave, unchecked; rejects, with the process' words as `stderr`, when it gave none.
 */
export type ModuleDescriber = (folder: string) => Promise<Json>;

/** What a module says of itself, checked. */
export interface ModuleDescription {
  readonly name: string;
  readonly document: JsonObject;
  readonly trainSchema: JsonObject | null;
  readonly predictSchema: JsonObject;
  readonly sample: ModuleSample | null;
  /** Null when it does not say. */
  readonly pretrained: boolean | null;
  /** What its image is, if it is one of DEEPaaS and nothing of ours; null for others. */
  readonly deepaas: StockDeepaas | null;
}

/** Checks a description. Throws an Error with a sentence for the author of the module. */
export function readDescription(value: Json): ModuleDescription {
  if (!isJsonObject(value)) throw new Error('it is no object');
  const { name, version, swagger, sample, trainable, pretrained, api } = value;
  if (typeof version !== 'string' || version === '') throw new Error('it has no version');
  if (!isJsonObject(swagger)) throw new Error('it has no Swagger document');
  const schemas = argumentSchemas(swagger, typeof name === 'string' ? name : null);
  if (schemas.predict === null) throw new Error('its Swagger document has no prediction');
  return {
    name: version,
    document: swagger,
    trainSchema: trainable === false ? null : schemas.train,
    predictSchema: schemas.predict,
    sample: readSample(sample),
    pretrained: typeof pretrained === 'boolean' ? pretrained : null,
    deepaas: api === 'DEEPAAS' && typeof name === 'string' ? { model: name } : null,
  };
}

/** Throws when it has no arguments; null for none. */
export function readSample(value: Json | undefined): ModuleSample | null {
  if (value === undefined || value === null) return null;
  if (!isJsonObject(value) || !isJsonObject(value['arguments'])) {
    throw new Error('its sample has no arguments');
  }
  return { arguments: value['arguments'], expect: value['expect'] ?? null };
}

/** Where the code and the metadata beside it do not agree. Pure, so that every refresh finds the same. */
export function disagreements(
  described: Pick<ModuleDescription, 'trainSchema' | 'predictSchema' | 'sample'>,
  categories: readonly string[],
): readonly Finding[] {
  const claims = categories.includes('AI4 trainable');
  const trains = described.trainSchema !== null;
  const findings: Finding[] = [];
  if (claims !== trains) {
    findings.push({
      severity: 'WARNING',
      pointer: '/categories',
      message: trains
        ? 'The code can be trained; the metadata does not say so.'
        : 'The metadata says it can be trained; the code offers no training.',
    });
  }
  if (described.sample === null) {
    findings.push({
      severity: 'WARNING',
      pointer: '',
      message: 'The code declares no sample request, so an endpoint of it cannot be proved warm.',
    });
    return findings;
  }
  try {
    validateArguments(described.predictSchema, described.sample.arguments, ['sample']);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    findings.push({
      severity: 'WARNING',
      pointer: '',
      message: `The sample request breaks the module's own rules: ${error.message}`,
    });
  }
  return findings;
}

/** The reason in one line: what the module's process said last before it gave up. */
export function describeFailure(error: unknown): string {
  const said: unknown = error instanceof Error ? Reflect.get(error, 'stderr') : null;
  const text = typeof said === 'string' && said.trim() !== '' ? said.trim() : messageOf(error);
  const lines = text.split('\n').filter((line) => !/^\s*(at |Node\.js v|\^|$)/.test(line));
  const line =
    lines.find((one) => /error|cannot|must|has no|is not/i.test(one)) ?? lines[0] ?? text;
  return line.trim().slice(0, 500);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
