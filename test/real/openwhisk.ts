import { createBackend } from '../../backends/registry.ts';
import type { Backend } from '../../backends/contract/backend.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { FunctionsUnderTest } from '../contract/backend/functions-under-test.ts';
import { openedFunctions } from '../contract/backend/functions-under-test.ts';
import { localSurroundings } from '../contract/backend/local-surroundings.ts';
import {
  deployFromAnotherProcess,
  imageProgram,
} from '../contract/backend/openwhisk-under-test.ts';

/**
 * The platform at OW_API_HOST (with http:// or https://) with the key OW_AUTH (UUID:KEY), and OW_IMAGE: an image of
 * test/fakes/openwhisk/scripted-module that its nodes have or can pull, whose command is
 * `node modules/runtime/main.ts openwhisk --module test/fakes/openwhisk/scripted-module`. Also understood: OW_NAMESPACE,
 * and OW_SPLIT_STREAMS=1 where logs tell the streams apart.
 */
export async function openRealOpenWhisk(): Promise<FunctionsUnderTest> {
  const settings = {
    apiHost: asked('OW_API_HOST').replace(/\/+$/, ''),
    key: asked('OW_AUTH'),
    namespace: process.env['OW_NAMESPACE'] ?? '_',
    splitLogStreams: process.env['OW_SPLIT_STREAMS'] === '1',
    // As long as this suite runs there is one writer of records, and little to wait for.
    recordDelayMs: 5000,
  };
  const image = asked('OW_IMAGE');
  const surroundings = localSurroundings('/nonexistent', '/nonexistent', []);
  const again = (): Promise<Backend> =>
    createBackend('openwhisk', 'functions', settings, surroundings);
  const backend = await again();
  const { functions, ...opened } = openedFunctions(backend, imageProgram('scripted', image));
  // Others may use the namespace, also through Fathom: only what was made here is removed.
  const made: Handle[] = [];
  const kept = (handle: Handle): Handle => {
    made.push(handle);
    return handle;
  };
  return {
    ...opened,
    functions: {
      deploy: async (workload, options) => kept(await functions.deploy(workload, options)),
      status: (handle) => functions.status(handle),
      warm: (handle, count, options) => functions.warm(handle, count, options),
      invoke: (handle, request, options) => functions.invoke(handle, request, options),
      result: (handle, ticket) => functions.result(handle, ticket),
      logs: (handle, options) => functions.logs(handle, options),
    },
    again,
    deployElsewhere: async (workload, key) =>
      kept(await deployFromAnotherProcess(settings, workload, key)),
    blob: null,
    settled: () => new Promise((resolve) => setTimeout(resolve, 5000)),
    listing: () => listed(settings),
    destroy: async () => {
      for (const handle of made) await backend.release(handle);
      await backend.close();
    },
  };
}

/** Everything that the API shows of the namespace's actions. */
async function listed(settings: {
  readonly apiHost: string;
  readonly key: string;
  readonly namespace: string;
}): Promise<string> {
  const authorization = `Basic ${Buffer.from(settings.key).toString('base64')}`;
  const actions = `${settings.apiHost}/api/v1/namespaces/${settings.namespace}/actions`;
  const get = async (url: string): Promise<string> =>
    (await fetch(url, { headers: { authorization } })).text();
  const all = JSON.parse(await get(`${actions}?limit=0`)) as readonly { readonly name: string }[];
  const each = all.map(({ name }) => get(`${actions}/${encodeURIComponent(name)}`));
  return (await Promise.all(each)).join('\n');
}

function asked(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} must be set to test against OpenWhisk.`);
  return value;
}
