import { createServer, type AddressInfo } from 'node:net';
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
import type { PlatformUnderTest } from '../contract/openwhisk-platform.contract.ts';
import type { FunctionPlatform } from '../e2e/functions/installation.ts';
import { Dock } from '../integration/launcher/dock.ts';

const mixesLogs =
  'the standalone server (DockerCliLogStore) asks for the log of a call from the beginning of its second, and stops at the first end of a log';

/** A container is not free before its log was collected; another second for `mixesLogs`. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5000));

/**
 * The platform at OW_API_HOST (with http:// or https://) with the key OW_AUTH (UUID:KEY), as it is without the adapter.
 * OW_PLAIN_IMAGE is an image with test/fakes/openwhisk/plain-action.mjs whose command is
 * `node test/fakes/openwhisk/plain-action.mjs 0.0.0.0 8080`.
 */
export function openRealPlatform(): Promise<PlatformUnderTest> {
  const plain = asked('OW_PLAIN_IMAGE');
  const destroy = (): Promise<void> => Promise.resolve();
  return Promise.resolve({ ...asPlatform(), plain, settled, mixesLogs, destroy });
}

export function asPlatform(): Pick<PlatformUnderTest, 'url' | 'key'> {
  const { apiHost, key } = connection();
  return { url: apiHost, key };
}

/**
 * The adapter on the same platform, and OW_IMAGE: an image of test/fakes/openwhisk/scripted-module that its nodes have or
 * can pull, whose command is `node modules/runtime/main.ts openwhisk --module test/fakes/openwhisk/scripted-module`. Also
 * understood: OW_NAMESPACE, OW_SPLIT_STREAMS=1 where logs tell the streams apart, and OW_DATA_HOST, an address of this
 * machine that containers reach: without it no artifact is brought.
 */
export async function openRealOpenWhisk(): Promise<FunctionsUnderTest> {
  const settings = {
    ...connection(),
    splitLogStreams: process.env['OW_SPLIT_STREAMS'] === '1',
    // As long as this suite runs there is one writer of records, and little to wait for.
    recordDelayMs: 5000,
  };
  const image = asked('OW_IMAGE');
  const host = process.env['OW_DATA_HOST'];
  const dock = host === undefined ? null : await Dock.open({}, host);
  const surroundings = {
    ...localSurroundings('/nonexistent', '/nonexistent', []),
    deliveries: dock?.deliveries ?? null,
  };
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
    blob: dock === null ? null : (path, content) => dock.blob(path, Buffer.from(content)),
    settled,
    listing: () => listed(settings),
    destroy: async () => {
      for (const handle of made) await backend.release(handle);
      await backend.close();
      await dock?.destroy();
    },
  };
}

/**
 * The same platform for a whole installation: OW_MODULE_IMAGE is an image of modules/tabular-classifier
 * (`modules/Containerfile`), and its containers fetch artifacts at OW_DATA_HOST.
 */
export async function realPlatform(more: object = {}): Promise<FunctionPlatform> {
  const settings = connection();
  const host = asked('OW_DATA_HOST');
  return {
    settings: { ...settings, ...more },
    image: asked('OW_MODULE_IMAGE'),
    sites: { host, port: await freePort(host) },
    actions: async () => (await actionsOf(settings)).map(({ name }) => name),
    close: () => Promise.resolve(),
  };
}

async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, host, listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

interface Connection {
  readonly apiHost: string;
  readonly key: string;
  readonly namespace: string;
}

function connection(): Connection {
  return {
    apiHost: asked('OW_API_HOST').replace(/\/+$/, ''),
    key: asked('OW_AUTH'),
    namespace: process.env['OW_NAMESPACE'] ?? '_',
  };
}

/** Everything that the API shows of the namespace's actions. */
async function listed(settings: Connection): Promise<string> {
  const all = await actionsOf(settings);
  const each = all.map(({ name }) => said(settings, `/${encodeURIComponent(name)}`));
  return (await Promise.all(each)).join('\n');
}

async function actionsOf(settings: Connection): Promise<readonly { readonly name: string }[]> {
  return JSON.parse(await said(settings, '?limit=0')) as readonly { readonly name: string }[];
}

async function said({ apiHost, key, namespace }: Connection, rest: string): Promise<string> {
  const authorization = `Basic ${Buffer.from(key).toString('base64')}`;
  const url = `${apiHost}/api/v1/namespaces/${namespace}/actions${rest}`;
  return (await fetch(url, { headers: { authorization } })).text();
}

function asked(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} must be set to test against OpenWhisk.`);
  return value;
}
