import { access } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessContainers } from '../../fakes/openwhisk/process-containers.ts';
import { FakeOpenWhisk } from '../../fakes/openwhisk/server.ts';
import { FunctionInstallation, type FunctionPlatform } from './installation.ts';
import { functionScenario } from './scenario.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const image = 'registry.test/flowers:1.0.0';

functionScenario('an OpenWhisk whose containers are processes', openPlatform);

test('an installation whose server does not start leaves no folder and no platform', async () => {
  const left: string[] = [];
  const refused = FunctionInstallation.create(async (module) => {
    left.push(dirname(dirname(module)));
    return {
      settings: { apiHost: 'no address' },
      image,
      sites: null,
      actions: () => Promise.resolve([]),
      close: () => Promise.resolve(void left.push('closed')),
    };
  });
  await expect(refused).rejects.toThrow(/The server/);
  const [folder = '', ...rest] = left;
  expect(rest).toEqual(['closed']);
  await expect(access(folder)).rejects.toThrow(/ENOENT/);
}, 120_000);

async function openPlatform(module: string): Promise<FunctionPlatform> {
  const runtime = [process.execPath, join(root, 'modules/runtime/main.ts'), 'openwhisk'];
  const listen = ['--host', '127.0.0.1', '--openwhisk-port', '0'];
  const factory = new ProcessContainers({
    [image]: { argv: [...runtime, '--module', module, ...listen] },
  });
  const fake = await FakeOpenWhisk.start({ factory, poolMemoryMiB: 4096 });
  return {
    settings: { apiHost: fake.url, key: fake.key },
    image,
    sites: null,
    actions: () => Promise.resolve([...fake.actions.keys()]),
    close: () => fake.close(),
  };
}
