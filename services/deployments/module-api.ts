import type { InvokeRequest, InvokeResponse } from '../../backends/contract/service-runner.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import type { ModuleVersion } from '../../domain/module.ts';

/** Where a module answers: its own name, and the paths of the DEEPaaS V2 API below its base path. */
export interface ModuleRoutes {
  readonly model: string;
  readonly models: string;
  readonly predict: string;
}

/** As the module's own document says. The slug stands in for a document that names no prediction. */
export function routesOf(version: Pick<ModuleVersion, 'document'>, slug: string): ModuleRoutes {
  const paths = version.document['paths'];
  for (const path of isJsonObject(paths) ? Object.keys(paths) : []) {
    const found = /^(.*\/v2\/models\/)([^/{}]+)\/predict\/?$/.exec(path);
    if (found === null) continue;
    const [, models = '', model = ''] = found;
    return { model, models, predict: `${models}${model}/predict/` };
  }
  return { model: slug, models: '/v2/models/', predict: `/v2/models/${slug}/predict/` };
}

export function jsonRequest(path: string, body: JsonObject, replica: string | null): InvokeRequest {
  return {
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(JSON.stringify(body)),
    replica,
  };
}

/** What a module answered to a prediction. */
export type ModuleAnswer =
  | { readonly kind: 'OK'; readonly predictions: Json }
  | { readonly kind: 'INVALID'; readonly problems: readonly ArgumentProblem[] }
  | { readonly kind: 'FAILED'; readonly message: string };

export interface ArgumentProblem {
  /** Null when the module did not name one. */
  readonly argument: string | null;
  readonly message: string;
}

/** Total: whatever came is one of the three. Messages quote the module's own words. */
export function readAnswer(response: InvokeResponse): ModuleAnswer {
  const { status } = response;
  const body = parse(response.body);
  if (status === 422) return { kind: 'INVALID', problems: problemsIn(body, response.body) };
  if (status < 200 || status > 299) {
    return { kind: 'FAILED', message: `The module answered ${status}: ${words(body, response)}` };
  }
  if (body === undefined) {
    return {
      kind: 'FAILED',
      message: `The module answered something that is not JSON: ${words(body, response)}`,
    };
  }
  if (!isJsonObject(body) || !Object.hasOwn(body, 'predictions')) {
    return {
      kind: 'FAILED',
      message: `The module answered JSON without \`predictions\`: ${words(undefined, response)}`,
    };
  }
  return { kind: 'OK', predictions: body['predictions'] ?? null };
}

/** A model that a server says it serves. */
export interface ServedModel {
  readonly names: readonly string[];
  readonly sample: { readonly arguments: JsonObject; readonly expect: Json } | null;
}

/** The answer of `GET /v2/models/`; a sentence when it is none. */
export function readModels(response: InvokeResponse): readonly ServedModel[] | string {
  const body = parse(response.body);
  const models = isJsonObject(body) ? body['models'] : undefined;
  if (response.status !== 200 || !Array.isArray(models)) {
    return `The list of models was answered with ${response.status}: ${words(body, response)}`;
  }
  return (models as readonly Json[]).filter(isJsonObject).map((model) => ({
    names: [model['name'], model['id']].filter((name) => typeof name === 'string'),
    sample: sampleIn(model['sample']),
  }));
}

function sampleIn(value: Json | undefined): ServedModel['sample'] {
  if (!isJsonObject(value)) return null;
  const given = value['arguments'];
  return isJsonObject(given) ? { arguments: given, expect: value['expect'] ?? null } : null;
}

function parse(body: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as Json;
  } catch {
    return undefined;
  }
}

/** The reference implementation answers `{"field": ["text"]}`, newer ones `{"json": {"field": ["text"]}}`. */
function problemsIn(body: Json | undefined, raw: Uint8Array): readonly ArgumentProblem[] {
  const fields = isJsonObject(body) ? Object.entries(body) : [];
  const problems = fields.flatMap(([name, value]) =>
    isJsonObject(value)
      ? Object.entries(value).map(([inner, text]) => problem(inner, text))
      : [problem(name, value)],
  );
  return problems.length > 0 ? problems : [{ argument: null, message: excerpt(raw) }];
}

function problem(argument: string, value: Json): ArgumentProblem {
  const texts: readonly Json[] = Array.isArray(value) ? (value as readonly Json[]) : [value];
  const message = texts
    .map((text) => (typeof text === 'string' ? text : JSON.stringify(text)))
    .join(' ');
  return { argument, message: cut(message) };
}

function words(body: Json | undefined, { body: raw }: InvokeResponse): string {
  const said = isJsonObject(body) ? (body['message'] ?? body['error']) : undefined;
  return typeof said === 'string' ? cut(said) : excerpt(raw);
}

const longest = 500;

function excerpt(raw: Uint8Array): string {
  // A byte has at most one character: four times the characters wanted is enough to read.
  const text = new TextDecoder().decode(raw.subarray(0, longest * 4)).trim();
  return text === '' ? '(an empty body)' : cut(text);
}

function cut(text: string): string {
  return text.length <= longest ? text : `${text.slice(0, longest)}…`;
}
