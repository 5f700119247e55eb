import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { Finding, MetadataFormat } from '../../../domain/module.ts';
import { schemaSentence } from '../schema-sentence.ts';
import { formats } from './formats.ts';
import { v1Schema } from './v1-schema.ts';
import {
  forbiddenKeys,
  newerKeys,
  newestV2,
  resourceKeys,
  v2Schema,
  type V2Version,
  v2Versions,
} from './v2-schema.ts';

/**
 * Everything that the format's published rules hold against a metadata file: errors first, then by place. A broken
 * address, date or DOI is a warning, because the format's own validator does not enforce them and real files rely on it.
 */
export function metadataFindings(metadata: JsonObject, format: MetadataFormat): readonly Finding[] {
  const found =
    format === 'DEEP_V1'
      ? schemaFindings(metadata, validators.DEEP_V1)
      : v2Findings(metadata, metadata['metadata_version']);
  return found.toSorted((a, b) => rank(a) - rank(b) || compare(a.pointer, b.pointer));
}

/** More would not help anybody to mend the file. */
export const maximumFindings = 100;

function v2Findings(metadata: JsonObject, declared: Json | undefined): readonly Finding[] {
  const version = v2Versions.find((one) => one === declared);
  const problems: Finding[] = [...schemaFindings(metadata, validators[version ?? newestV2])];
  if (version === undefined && typeof declared === 'string') {
    problems.push({
      severity: 'ERROR',
      pointer: '/metadata_version',
      message: `Version ${JSON.stringify(declared.slice(0, 40))} is not known (${v2Versions.join(', ')}); the file was checked as ${newestV2}.`,
    });
  }
  if (version !== undefined) problems.push(...newerFindings(metadata, version));
  problems.push(...resourceFindings(metadata));
  return problems;
}

function schemaFindings(metadata: JsonObject, validate: Validator): readonly Finding[] {
  if (validate(metadata)) return [];
  return (validate.errors ?? []).slice(0, maximumFindings).map(findingOf);
}

function findingOf(problem: ErrorObject): Finding {
  const pointer = problem.instancePath;
  const name = pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  const instead = forbiddenKeys.get(name);
  const message =
    problem.keyword === 'false schema' && instead !== undefined
      ? `${name} belongs to the older format and is not allowed here; ${instead === 'nothing' ? 'leave it out' : `use ${instead}`}`
      : schemaSentence(problem, name);
  return {
    severity: problem.keyword === 'format' ? 'WARNING' : 'ERROR',
    pointer,
    message: `${message}.`,
  };
}

function newerFindings(metadata: JsonObject, version: V2Version): readonly Finding[] {
  return newerKeys
    .filter(({ pointer, since }) => since > version && at(metadata, pointer) !== undefined)
    .map(({ pointer, since }) => ({
      severity: 'WARNING' as const,
      pointer,
      message: `${pointer.slice(1).replaceAll('/', '.')} is known from version ${since} on; the file declares ${version}.`,
    }));
}

/** Extra keys are allowed everywhere, yet one among the resources is nearly always a misspelt request. */
function resourceFindings(metadata: JsonObject): readonly Finding[] {
  return ['inference', 'training'].flatMap((use) => {
    const asked = at(metadata, `/resources/${use}`);
    if (!isJsonObject(asked)) return [];
    return Object.keys(asked)
      .filter((key) => !resourceKeys.some((known) => known === key))
      .map((key) => ({
        severity: 'WARNING' as const,
        pointer: `/resources/${use}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        message: `${key} is not a resource and has no effect; known are ${resourceKeys.join(', ')}.`,
      }));
  });
}

function at(metadata: JsonObject, pointer: string): Json | undefined {
  let value: Json | undefined = metadata;
  for (const part of pointer.slice(1).split('/')) {
    value = isJsonObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }
  return value;
}

const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false, formats });
type Validator = ReturnType<typeof ajv.compile>;

const validators: { readonly [F in V2Version | 'DEEP_V1']: Validator } = {
  '2.0.0': ajv.compile(v2Schema('2.0.0')),
  '2.1.0': ajv.compile(v2Schema('2.1.0')),
  '2.2.0': ajv.compile(v2Schema('2.2.0')),
  '2.3.0': ajv.compile(v2Schema('2.3.0')),
  DEEP_V1: ajv.compile(v1Schema),
};

function rank(finding: Finding): number {
  return finding.severity === 'ERROR' ? 0 : 1;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
