import { describe, expect, test } from 'vitest';
import { parseSettings } from '../../../../backends/openwhisk/config.ts';
import { isNativeName, nativeName } from '../../../../backends/openwhisk/names.ts';
import { planOf, translate } from '../../../../backends/openwhisk/translate.ts';
import type { ServiceWorkload } from '../../../../backends/contract/workload.ts';

const settings = parseSettings({ apiHost: 'https://ow.example', key: 'uuid:key' });

const workload: ServiceWorkload = {
  title: 'Digits',
  program: {
    kind: 'MODULE',
    module: { slug: 'digits', source: { kind: 'IMAGE', image: 'host.example:5000/a/digits:1.2' } },
    operation: 'serve',
  },
  environment: { A: 'b' },
  secrets: {},
  inputs: [],
  resources: { cpus: 1, memoryMiB: 300.2, gpus: null, timeLimitSeconds: 3600 },
  labels: { owner: 'me' },
  replicas: 2,
  artifactFolder: null,
};

test('a workload becomes an action of its image, with the environment for the start of a container', () => {
  expect(translate(workload, settings, 'dep_1', null)).toEqual({
    exec: { kind: 'blackbox', image: 'host.example:5000/a/digits:1.2' },
    // A service may run for hours, a call may not.
    limits: { timeout: 300_000, memory: 301, logs: 10 },
    parameters: [{ key: 'A', value: 'b', init: true }],
    annotations: [
      { key: 'fathom-key', value: 'dep_1' },
      { key: 'fathom-title', value: 'Digits' },
      { key: 'fathom-labels', value: { owner: 'me' } },
    ],
  });
});

test('a shorter time limit is the one of calls, and little memory is rounded up', () => {
  const resources = { ...workload.resources, memoryMiB: 64, timeLimitSeconds: 1.5 };
  expect(translate({ ...workload, resources }, settings, 'k', null).limits).toMatchObject({
    timeout: 1500,
    memory: 128,
  });
});

test('a digest is left out where a tag stands beside it', () => {
  const image = `a/b:1@sha256:${'0'.repeat(64)}`;
  const module = { slug: 'm', source: { kind: 'IMAGE', image } } as const;
  const program = { kind: 'MODULE', module, operation: 'serve' } as const;
  expect(translate({ ...workload, program }, settings, 'k', null).exec.image).toBe('a/b:1');
});

test('text files go along, longer ones by a delivery', () => {
  const text = { path: 'artifact/a.txt', content: { kind: 'TEXT', text: 'x' } } as const;
  const blob = {
    path: 'artifact/b',
    content: { kind: 'BLOB', sha256: 'ab', bytes: 1, url: null },
  } as const;
  const withText = { ...workload, inputs: [text], artifactFolder: 'artifact' };
  expect(translate(withText, settings, 'k', null).parameters).toEqual([
    { key: 'A', value: 'b', init: true },
    { key: 'FATHOM_FILES', value: '{"artifact/a.txt":"x"}', init: true },
    { key: 'FATHOM_ARTIFACT_FOLDER', value: 'artifact', init: true },
  ]);
  const delivery = { url: 'https://us/d', token: 't' };
  const withBoth = { ...withText, inputs: [text, blob] };
  expect(translate(withBoth, settings, 'k', delivery).parameters.map(({ key }) => key)).toEqual([
    'A',
    'FATHOM_DELIVERY_URL',
    'FATHOM_DELIVERY_TOKEN',
    'FATHOM_ARTIFACT_FOLDER',
  ]);
});

describe('what cannot be', () => {
  const kindOf = (more: Partial<ServiceWorkload>): unknown => {
    try {
      translate({ ...workload, ...more }, settings, 'k', null);
    } catch (error) {
      return (error as { kind?: unknown }).kind;
    }
    return null;
  };

  test('is Rejected, or Unsupported', () => {
    const { resources } = workload;
    const cases: readonly (readonly [Partial<ServiceWorkload>, string])[] = [
      [{ environment: { __OW_API_KEY: 'x' } }, 'Rejected'],
      [{ environment: { FATHOM_FILES: 'x' } }, 'Rejected'],
      [{ environment: { 'A=B': 'x' } }, 'Rejected'],
      [{ environment: { A: '\0' } }, 'Rejected'],
      [{ environment: { A: 'x'.repeat(1024 * 1024) } }, 'Rejected'],
      [{ artifactFolder: '../x' }, 'Rejected'],
      [{ replicas: -1 }, 'Rejected'],
      [{ secrets: { A: 'b' } }, 'Unsupported'],
      [{ resources: { ...resources, nodes: 2 } }, 'Unsupported'],
    ];
    for (const [more, kind] of cases)
      expect({ more, got: kindOf(more) }).toEqual({ more, got: kind });
  });
});

test('the plan of a job is Unsupported, that of a service is the request with secrets hidden', () => {
  expect(() => planOf({ kind: 'JOB', workload }, 'k', settings, null)).toThrow(/no jobs/);
  const open = parseSettings({ apiHost: 'https://ow.example', key: 'uuid:key', showSecrets: true });
  const secret = { ...workload, secrets: { TOKEN: 'hidden' } };
  const [request] = planOf({ kind: 'SERVICE', workload: secret }, 'k', open, null);
  expect(request?.title).toBe(`PUT /api/v1/namespaces/_/actions/${nativeName('k')}`);
  expect(request?.text).not.toContain('hidden');
  expect(JSON.parse(request?.text ?? '')).toMatchObject({
    parameters: [{ key: 'A' }, { key: 'TOKEN', value: '***' }],
  });
});

test('names follow from keys, and any key gives one that the platform takes', () => {
  for (const key of ['dep_01J', 'Ünïcode ☃', '', 'a/b c', 'x'.repeat(500)]) {
    const name = nativeName(key);
    expect(isNativeName(name)).toBe(true);
    expect(nativeName(key)).toBe(name);
  }
  expect(nativeName('a b')).not.toBe(nativeName('a-b'));
  for (const wrong of ['../x', 'fathom-', 'FATHOM-a', 5, null])
    expect(isNativeName(wrong)).toBe(false);
});

test('settings that are wrong are said in a sentence, and the key prints as stars', () => {
  expect(() => parseSettings({ apiHost: 'ow.example', key: 'k' })).toThrow(
    /^The settings of an openwhisk backend are wrong: apiHost: .*; key: .*\.$/,
  );
  expect(() => parseSettings({ apiHost: 'http://a', key: 'a:b', apiKey: 'a:b' })).toThrow(/apiKey/);
  expect(JSON.stringify(settings)).not.toContain('uuid:key');
  expect(settings.key.toString()).toBe('***');
  expect(settings.key.reveal()).toBe('uuid:key');
});
