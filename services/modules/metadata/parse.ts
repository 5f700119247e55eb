import { parseDocument } from 'yaml';
import { isJsonObject, type Json, type JsonObject } from '../../../domain/json.ts';
import type { Finding } from '../../../domain/module.ts';

export interface Parsed {
  /** What could be read; empty when nothing could. */
  readonly metadata: JsonObject;
  readonly findings: readonly Finding[];
}

export const maximumMetadataBytes = 256 * 1024;
const maximumDepth = 32;
const maximumNodes = 20_000;
/** Uses of an anchor, nested ones multiplied: ten lines of YAML can otherwise stand for a gigabyte. */
const maximumAliases = 100;

/** Reads the text of a metadata file: JSON, or YAML 1.2 without tags of its own. Total: what is wrong is a finding. */
export function parseMetadata(text: string, syntax: 'YAML' | 'JSON'): Parsed {
  if (Buffer.byteLength(text) > maximumMetadataBytes) {
    return unreadable(`The file is larger than ${maximumMetadataBytes / 1024} KiB.`);
  }
  try {
    const read = syntax === 'JSON' ? readJson(text) : readYaml(text);
    const cleaning: Cleaning = { nodes: 0, findings: [...read.findings] };
    const value = clean(read.value, '', 0, cleaning);
    if (!isJsonObject(value)) return unreadable('The file holds no object of keys and values.');
    return { metadata: value, findings: cleaning.findings };
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    return unreadable(`The file is not ${syntax}: ${reason.replace(/:$/, '')}`);
  }
}

interface Read {
  readonly value: unknown;
  readonly findings: readonly Finding[];
}

function readJson(text: string): Read {
  return { value: JSON.parse(text.replace(/^\uFEFF/, '')), findings: [] };
}

function readYaml(text: string): Read {
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const [error] = document.errors;
  if (error !== undefined) throw error;
  const findings = document.warnings.map((warning): Finding => {
    const [sentence = ''] = warning.message.split('\n');
    return { severity: 'ERROR', pointer: '', message: sentence.replace(/:$/, '.') };
  });
  return { value: document.toJS({ maxAliasCount: maximumAliases }) as unknown, findings };
}

interface Cleaning {
  nodes: number;
  readonly findings: Finding[];
}

/** YAML says more than JSON: not-a-number, dates of custom tags, keys of any type. What JSON cannot say becomes null. */
function clean(value: unknown, pointer: string, depth: number, cleaning: Cleaning): Json {
  cleaning.nodes += 1;
  if (depth > maximumDepth || cleaning.nodes > maximumNodes) {
    throw new Error(`more than ${maximumDepth} levels or ${maximumNodes} values`);
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) => clean(item, `${pointer}/${index}`, depth + 1, cleaning));
  }
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const members = Object.entries(value).map(([key, member]): [string, Json] => {
      const step = key.replaceAll('~', '~0').replaceAll('/', '~1');
      return [key, clean(member, `${pointer}/${step}`, depth + 1, cleaning)];
    });
    return Object.fromEntries(members);
  }
  cleaning.findings.push({
    severity: 'ERROR',
    pointer,
    message: 'The value cannot be said in JSON; it was read as null.',
  });
  return null;
}

function unreadable(message: string): Parsed {
  return { metadata: {}, findings: [{ severity: 'ERROR', pointer: '', message }] };
}
