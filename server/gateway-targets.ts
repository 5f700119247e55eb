import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kind, parse } from 'graphql';
import { compose } from '../gateway/composition.ts';
import { type Config, ConfigError } from './config.ts';
import { subgraphPorts } from './subgraph-ports.ts';

/** What a gateway plans over. */
export interface GatewayTargets {
  readonly supergraphSdl: string;
  readonly targets: readonly Target[];
}

export interface Target {
  readonly name: string;
  readonly url: string;
}

const usage =
  'use: fathom gateway, with --subgraph NAME=URL for each subgraph or with --supergraph FILE; with neither, the five are looked for on their default ports.';

/**
 * From `--subgraph NAME=URL …` (composed from the SDL in the repository), `--supergraph FILE` (which says where they are)
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
    const sdl = await text(path, `${name} is no subgraph of ours: there is no ${path}.`);
    return { name, url, typeDefs: parse(sdl) };
  });
  const { supergraphSdl } = compose(await Promise.all(parts));
  return { supergraphSdl, targets };
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
  return { supergraphSdl, targets };
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
