import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isRecord } from '../runtime/arguments.ts';
import { InputError } from '../runtime/input-error.ts';
import { DeepaasServer, pythonEnvironment, pythonLaunch } from './deepaas-server.ts';
import type { PythonModule } from './python-module.ts';

/**
 * What a module in Python says of itself, as the command `describe` prints it. Rejects with an Error that says why its
 * server could not be asked.
 */
export async function describeModule(
  module: PythonModule,
): Promise<Readonly<Record<string, unknown>>> {
  const [facts, answers] = await Promise.all([codeFacts(module), askServer(module)]);
  const version = answers.metadata['version'] ?? facts.version;
  return {
    name: module.model,
    version: typeof version === 'string' ? version : null,
    trainable: facts.trainable,
    swagger: answers.swagger,
    sample: isRecord(answers.metadata['sample']) ? answers.metadata['sample'] : null,
    // An image of it has at least that.
    api: 'DEEPAAS',
  };
}

interface CodeFacts {
  readonly trainable: boolean;
  readonly version: string | null;
}

/** The server has a route for training whether or not the module has code for it, so the code is asked. */
const factsProgram = join(import.meta.dirname, 'model_facts.py');
async function codeFacts(module: PythonModule): Promise<CodeFacts> {
  const env = { ...process.env, ...pythonEnvironment(module) };
  const { stdout } = await promisify(execFile)(module.python, [factsProgram, module.model], {
    env,
    cwd: tmpdir(),
  }).catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    const said: unknown = Reflect.get(error, 'stderr');
    throw new InputError(
      Reflect.get(error, 'code') === 3
        ? `${module.model} is not installed in the environment of ${module.python}.`
        : `${module.model} cannot be loaded: ${String(said).trim().split('\n').at(-1)}`,
    );
  });
  const value: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  if (!isRecord(value)) throw new Error(`${module.python} did not say what ${module.model} is.`);
  const { trainable, version } = value;
  return { trainable: trainable === true, version: typeof version === 'string' ? version : null };
}

async function askServer(module: PythonModule): Promise<{
  readonly swagger: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}> {
  const launch = await pythonLaunch(module, {
    host: '127.0.0.1',
    port: 0,
    basePath: '',
    clientMaxSize: 0,
    trainEndpoint: true,
    predictEndpoint: true,
    debugEndpoint: false,
    warm: false,
    workFolder: tmpdir(),
    environment: {},
    output: 'keep',
  });
  const server = await DeepaasServer.start(launch, new AbortController().signal);
  try {
    return {
      swagger: await getJson(`${server.url}/swagger.json`),
      metadata: await getJson(`${server.url}/v2/models/${module.model}/`),
    };
  } finally {
    await server.stop();
  }
}

async function getJson(url: string): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await (await fetch(url)).json();
  if (!isRecord(body)) throw new Error(`${url} did not answer with an object.`);
  return body;
}
