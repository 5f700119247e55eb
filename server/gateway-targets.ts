import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kind, parse } from 'graphql';
import { compose, CompositionError } from '../gateway/composition.ts';
import type { Config } from './config.ts';
import { ConfigError } from './settings-file.ts';
import { subgraphPorts } from './subgraph-ports.ts';

/** What a gateway plans over. */
export interface GatewayTargets {
  readonly supergraphSdl: string;
  readonly targets: readonly Target[];
  /** Where it was read, when it was one file. */
  readonly file: string | null;
}

export interface Target {
  readonly name: string;
  readonly url: string;
}

const usage =
  'use: fathom gateway, with --subgraph NAME=URL for each subgraph or with --supergraph FILE; with neither, the five are looked for on their default ports.';

/**
 * From `--subgraph NAME=URL …` (composed from the SDL in the repository, of others from what they tell), `--supergraph FILE` (which says where they are)
 * or nothing at all: the five on their default ports. Rejects with ConfigError.
 */
export async function gatewayTargets(
  args: readonly string[],
  { config, root }: { readonly config: Pick<Config, 'host'>; readonly root: string },
): Promise<GatewayTargets> {
  const flags = flagsIn(args);
  const files = flags.filter(({ flag }) => flag === '--supergraph').map(({ value }) => value);
  const named = flags.filter(({ flag }) => flag === '--subgraph').map(({ value }) => target(value));
  if (files.length > 1 || (files.length === 1 && named.length > 0)) throw new ConfigError(usage);
  const [file] = files;
  if (file !== undefined) return ofSupergraph(file, await text(file, `there is no file ${file}.`));
  const targets = named.length > 0 ? named : defaults(config.host);
  if (new Set(targets.map(({ name }) => name)).size < targets.length) {
    throw new ConfigError('a subgraph is named twice.');
  }
  const parts = targets.map(async ({ name, url }) => {
    const path = join(root, 'schema', 'snapshots', `${name}.graphql`);
    const sdl = await readFile(path, 'utf8').catch(() => foreignSdl(name, url));
    return { name, url, typeDefs: parse(sdl) };
  });
  const { supergraphSdl } = composed(await Promise.all(parts));
  return { supergraphSdl, targets, file: null };
}

/** A supergraph's `join__Graph` names its subgraphs and says where each answers. */
function ofSupergraph(file: string, supergraphSdl: string): GatewayTargets {
  const targets: Target[] = [];
  for (const definition of parse(supergraphSdl, { noLocation: true }).definitions) {
    if (definition.kind !== Kind.ENUM_TYPE_DEFINITION) continue;
    if (definition.name.value !== 'join__Graph') continue;
    for (const value of definition.values ?? []) {
      const graph = value.directives?.find((directive) => directive.name.value === 'join__graph');
      const argument = (name: string): string => {
        const found = graph?.arguments?.find((one) => one.name.value === name)?.value;
        return found?.kind === Kind.STRING ? found.value : '';
      };
      const [name, url] = [argument('name'), argument('url')];
      if (!isUrl(url)) throw new ConfigError(`${file} does not say where ${name} answers.`);
      targets.push({ name, url });
    }
  }
  if (targets.length === 0)
    throw new ConfigError(`${file} is no supergraph: no join__Graph in it.`);
  return { supergraphSdl, targets, file };
}

const foreignLimitMs = 10_000;

function composed(parts: Parameters<typeof compose>[0]): ReturnType<typeof compose> {
  try {
    return compose(parts);
  } catch (error) {
    if (error instanceof CompositionError) throw new ConfigError(error.message);
    throw error;
  }
}

/** What a subgraph of others says of itself, as Federation has every subgraph say it. */
async function foreignSdl(name: string, url: string): Promise<string> {
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: '{ service: _service { sdl } }' }),
    signal: AbortSignal.timeout(foreignLimitMs),
  };
  try {
    const answer = (await (await fetch(url, request)).json()) as {
      readonly data?: { readonly service?: { readonly sdl?: unknown } };
    };
    const sdl = answer.data?.service?.sdl;
    if (typeof sdl === 'string') return sdl;
  } catch {
    throw new ConfigError(`${name} is no subgraph of ours, and ${url} does not answer.`);
  }
  throw new ConfigError(`${name} is no subgraph of ours, and ${url} does not tell its SDL.`);
}

function flagsIn(args: readonly string[]): readonly { flag: string; value: string }[] {
  const flags = [];
  for (let at = 0; at < args.length; at += 2) {
    const [flag = '', value] = args.slice(at, at + 2);
    const isKnown = flag === '--subgraph' || flag === '--supergraph';
    if (!isKnown || value === undefined) throw new ConfigError(usage);
    flags.push({ flag, value });
  }
  return flags;
}

function target(text: string): Target {
  const [, name, url] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text) ?? [];
  if (name === undefined || url === undefined || !isUrl(url)) throw new ConfigError(usage);
  return { name, url };
}

function defaults(host: string): readonly Target[] {
  const shown = host.includes(':') ? `[${host}]` : host;
  return [...subgraphPorts].map(([name, port]) => ({
    name,
    url: `http://${shown}:${port}/graphql`,
  }));
}

function isUrl(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text);
}

function text(path: string, sentence: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => {
    throw new ConfigError(sentence);
  });
}
