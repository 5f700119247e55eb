import { randomUUID } from 'node:crypto';
import {
  ArgumentError,
  parseArguments,
  type ArgumentFields,
  type ArgumentValues,
} from './arguments.ts';
import { DebugLog } from './debug-log.ts';
import { documentationPage } from './documentation-page.ts';
import { HttpError } from './http-error.ts';
import { Text, type RouteRequest, type Routes } from './http-service.ts';
import { readSample, type LoadedModule } from './load-module.ts';
import { modelMetadata } from './model-metadata.ts';
import { InputError } from './input-error.ts';
import type { Predictor, Sample } from './module.ts';
import { readArguments } from './request-arguments.ts';
import { swaggerDocument } from './swagger.ts';
import { Trainings } from './trainings.ts';

export interface ApiOptions {
  /** Folder of the trained artifact; null for what the module ships. */
  readonly artifact: string | null;
  /** Without a trailing slash. */
  readonly basePath: string;
  /** Bytes of a request's body; 0 is no limit. */
  readonly clientMaxSize: number;
  readonly trainEndpoint: boolean;
  readonly predictEndpoint: boolean;
  readonly debugEndpoint: boolean;
}

/** The DEEPaaS V2 API of one loaded model, however requests come. */
export interface ModuleApi {
  readonly routes: Routes;
  /** Ends trainings that run. */
  readonly close: () => Promise<void>;
}

/** Resolves when the model has answered its own sample. Rejects with InputError when it cannot be served. */
export async function openApi(
  loaded: LoadedModule,
  options: ApiOptions,
  log: (text: string) => void,
): Promise<ModuleApi> {
  const { module } = loaded;
  const debug = new DebugLog(options.debugEndpoint);
  const artifact = options.artifact ?? loaded.weights;
  const sample = await readSample(module, artifact).catch(refuse);
  const predictor = await loadPredictor(loaded, artifact);
  if (predictor) await warm(module.predictArguments, predictor, sample);
  const newUuid = (): string => randomUUID().replaceAll('-', '');
  const trainings = new Trainings(loaded, () => new Date(), newUuid, log);
  const metadata = modelMetadata(loaded, sample, predictor?.facts ?? {});
  const routes = buildRoutes(loaded, options, { predictor, trainings, metadata, debug });
  return { routes, close: () => trainings.close() };
}

async function loadPredictor(
  { module }: LoadedModule,
  artifact: string | null,
): Promise<Predictor | null> {
  if (artifact === null && !module.predictsWithoutWeights) return null;
  return module.load(artifact).catch(refuse);
}

function refuse(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  throw new InputError(`The model cannot be served: ${message}`, { cause: error });
}

/**
 * The first request pays for compilation and for memory, and a model that fails its own sample must
 * not open a port.
 */
async function warm(
  fields: ArgumentFields,
  predictor: Predictor,
  sample: Sample | null,
): Promise<void> {
  if (sample === null) return;
  const parsed = parseArguments(fields, (name) => sample.arguments[name]);
  if (!parsed.ok) refuse(new Error(`its sample is invalid: ${JSON.stringify(parsed.errors)}`));
  try {
    for (let round = 0; round < 3; round++) await predictor.predict(parsed.values);
  } catch (error) {
    refuse(error);
  }
}

interface Parts {
  readonly predictor: Predictor | null;
  readonly trainings: Trainings;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly debug: DebugLog;
}

function buildRoutes(loaded: LoadedModule, options: ApiOptions, parts: Parts): Routes {
  const { module } = loaded;
  const { basePath: base } = options;
  const swagger = swaggerDocument(module, base);
  const version = {
    version: 'stable',
    id: 'v2',
    links: [{ rel: 'self', type: 'application/json', href: `${base}/v2/` }],
  };
  const links = [
    { rel: 'help', type: 'text/html', href: `${base}/api` },
    { rel: 'describedby', type: 'application/json', href: `${base}/swagger.json` },
  ];
  const model = `${base}/v2/models/${module.name}/`;
  const entry = {
    id: module.name,
    name: module.name,
    ...parts.metadata,
    links: [{ rel: 'self', href: model }],
  };
  return {
    [`${base}/`]: { GET: () => ({ versions: [version], links }) },
    [`${base}/ui`]: {
      GET: () => {
        throw HttpError.redirect(302, `${base}/api`);
      },
    },
    [`${base}/api`]: { GET: () => documentationPage(module, base) },
    [`${base}/swagger.json`]: { GET: () => swagger },
    [`${base}/v2/`]: { GET: () => version },
    [`${base}/v2/models/`]: { GET: () => ({ models: [entry] }) },
    [model]: { GET: () => entry },
    [`${model}predict/`]: {
      POST: (request) => predict(loaded, options, parts.predictor, request),
    },
    ...trainRoutes(loaded, options, parts.trainings),
    [`${base}/v2/debug/`]: {
      GET: () => (options.debugEndpoint ? new Text('text/plain', parts.debug.text()) : null),
    },
  };
}

async function predict(
  { module }: LoadedModule,
  options: ApiOptions,
  predictor: Predictor | null,
  request: RouteRequest,
): Promise<object> {
  if (!options.predictEndpoint) throw disabled();
  const values = await readValues(module.predictArguments, options, request);
  if (!predictor) {
    throw new Error(
      `Model ${module.name} has no trained weights here: train it, or serve it with --artifact DIR.`,
    );
  }
  try {
    return { status: 'OK', predictions: await predictor.predict(values) };
  } catch (error) {
    if (error instanceof ArgumentError) {
      throw HttpError.json(422, { [error.field]: [error.message] });
    }
    throw error;
  }
}

function trainRoutes({ module }: LoadedModule, options: ApiOptions, trainings: Trainings): Routes {
  const collection = `${options.basePath}/v2/models/${module.name}/train/`;
  const fields = module.trainArguments;
  if (!options.trainEndpoint || fields === null) {
    const refuseAll = (): never => {
      throw disabled();
    };
    return {
      [collection]: { GET: refuseAll, POST: refuseAll },
      [`${collection}{}`]: { GET: refuseAll, DELETE: refuseAll },
    };
  }
  const found = (training: object | null): object => {
    if (training === null) throw HttpError.text(404, 'Not Found');
    return training;
  };
  return {
    [collection]: {
      GET: () => trainings.list(),
      POST: async (request) => trainings.start(await readValues(fields, options, request)),
    },
    [`${collection}{}`]: {
      GET: ({ item }) => found(trainings.get(item)),
      DELETE: async ({ item }) => found(await trainings.forget(item)),
    },
  };
}

async function readValues(
  fields: ArgumentFields,
  options: ApiOptions,
  { message, query }: RouteRequest,
): Promise<ArgumentValues> {
  const find = await readArguments(message, query, options.clientMaxSize);
  const parsed = parseArguments(fields, find);
  if (!parsed.ok) throw HttpError.json(422, parsed.errors);
  return parsed.values;
}

function disabled(): HttpError {
  return HttpError.text(402, 'Payment Required: this endpoint is switched off');
}
