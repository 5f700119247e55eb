import { join, resolve } from 'node:path';
import { ProcessContainers } from '../../fakes/openwhisk/process-containers.ts';
import { FakeOpenWhisk } from '../../fakes/openwhisk/server.ts';
import type { FunctionPlatform } from './installation.ts';
import { functionScenario } from './scenario.ts';

const root = resolve(import.meta.dirname, '..', '..', '..');
const image = 'registry.test/flowers:1.0.0';

functionScenario('an OpenWhisk whose containers are processes', openPlatform);

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
