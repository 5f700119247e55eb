import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ConfigError } from '../../../server/settings-file.ts';
import { gatewayTargets } from '../../../server/gateway-targets.ts';
import { subgraphNames } from '../../../server/graph.ts';
import { subgraphPorts } from '../../../server/subgraph-ports.ts';

const at = { config: { host: '127.0.0.1' }, root: resolve(import.meta.dirname, '..', '..', '..') };

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-targets-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'supergraph.graphql'), text);
  return join(folder, 'supergraph.graphql');
}

describe('what a gateway plans over', () => {
  it('is, when nothing is said, each subgraph that there is on its default port', async () => {
    expect([...subgraphPorts.keys()]).toEqual(subgraphNames);
    const { targets } = await gatewayTargets([], at);
    expect(targets).toEqual(
      subgraphNames.map((name, index) => ({
        name,
        url: `http://127.0.0.1:${4001 + index}/graphql`,
      })),
    );
  });

  it('is what is named, composed from the SDL in the repository', async () => {
    const url = 'http://10.0.0.1:1/graphql';
    const { supergraphSdl, targets } = await gatewayTargets(['--subgraph', `modules=${url}`], at);
    expect(targets).toEqual([{ name: 'modules', url }]);
    expect(supergraphSdl).toContain(`@join__graph(name: "modules", url: "${url}")`);
  });

  it('is what a supergraph says, and where it says', async () => {
    const flags = subgraphNames.flatMap((name) => ['--subgraph', `${name}=https://${name}.test/g`]);
    const { supergraphSdl } = await gatewayTargets(flags, at);
    const file = await fileOf(supergraphSdl);
    const found = await gatewayTargets(['--supergraph', file], at);
    expect(found.supergraphSdl).toBe(supergraphSdl);
    const sorted = [...found.targets].toSorted((a, b) => a.name.localeCompare(b.name));
    expect(sorted).toEqual(
      subgraphNames
        .map((name) => ({ name, url: `https://${name}.test/g` }))
        .toSorted((a, b) => a.name.localeCompare(b.name)),
    );
  });

  it.each([
    ['an unknown flag', ['--graph', 'x']],
    ['a flag without its value', ['--subgraph']],
    ['a subgraph without a URL', ['--subgraph', 'modules']],
    ['something that is no URL', ['--subgraph', 'modules=file:///x']],
    ['a subgraph that is not ours', ['--subgraph', 'nobody=http://127.0.0.1:1/']],
    [
      'a subgraph named twice',
      ['--subgraph', 'modules=http://a/', '--subgraph', 'modules=http://b/'],
    ],
    ['both ways at once', ['--supergraph', 'x', '--subgraph', 'modules=http://a/']],
    ['a supergraph that is not there', ['--supergraph', '/nowhere/at/all.graphql']],
    [
      'a supergraph without URLs',
      ['--supergraph', join(at.root, 'schema/snapshots/supergraph.graphql')],
    ],
    [
      'a schema that is no supergraph',
      ['--supergraph', join(at.root, 'schema/snapshots/api.graphql')],
    ],
  ])('is refused with a sentence for %s', async (_case, args) => {
    await expect(gatewayTargets(args, at)).rejects.toBeInstanceOf(ConfigError);
  });
});
