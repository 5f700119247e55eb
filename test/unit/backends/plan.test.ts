import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../../backends/contract/backend.ts';
import type { JobWorkload, ServiceWorkload } from '../../../backends/contract/workload.ts';
import { backendDefinitions, createBackend } from '../../../backends/registry.ts';

/** At addresses where nobody is; a type that needs none is not named. */
const settings: Readonly<Record<string, object>> = {
  local: { runtime: ['/opt/runtime'] },
  kubernetes: {
    connection: {
      kind: 'token',
      server: 'http://127.0.0.1:1',
      token: 'tok-3n',
      skipTlsVerify: true,
    },
    launcher: { image: 'launcher:1' },
  },
  slurm: {
    transport: {
      kind: 'rest',
      url: 'http://127.0.0.1:1',
      user: 'fathom',
      credentials: { token: 'tok-3n' },
    },
    sharedFolder: '/nowhere/shared',
    container: { kind: 'apptainer' },
  },
  nomad: {
    address: 'http://127.0.0.1:1',
    token: 'tok-3n',
    docker: {},
    sharedFolder: { path: '/nowhere/shared' },
  },
  openwhisk: { apiHost: 'http://127.0.0.1:1', key: 'u-1:tok-3n', showSecrets: true },
};

const image = { kind: 'IMAGE', image: 'iris:1.0.0' } as const;
const secret = 'hunter2 "and" $(more)';

let folder = '';
const open = new Map<string, Backend>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fathom-plan-'));
  for (const { type } of backendDefinitions) {
    const surroundings = {
      now: () => 1_000,
      random: () => 0.5,
      stateFolder: join(folder, type),
      deliveries: null,
      log: () => undefined,
      placeBlob: () => Promise.reject(new Error('nothing is placed here')),
    };
    open.set(type, await createBackend(type, type, settings[type] ?? {}, surroundings));
  }
});

afterAll(async () => {
  for (const backend of open.values()) await backend.close();
  await rm(folder, { recursive: true, force: true });
});

function backendOf(type: string): Backend {
  const backend = open.get(type);
  if (backend === undefined) throw new Error(`${type} is not open.`);
  return backend;
}

function workload(type: string, operation: 'train' | 'serve'): JobWorkload {
  const source = type === 'local' ? ({ kind: 'FOLDER', path: '/modules/iris' } as const) : image;
  return {
    title: 'Iris',
    program: { kind: 'MODULE', module: { slug: 'iris', source }, operation },
    environment: { PLAIN: 'as it is' },
    secrets: { PASSWORD: secret },
    inputs: [{ path: 'workload.json', content: { kind: 'TEXT', text: '{}' } }],
    resources: { cpus: 1, memoryMiB: 256, gpus: null, timeLimitSeconds: 60 },
    labels: { run: 'run_1' },
  };
}

/** What the backend does of the two; neither is not for a plan to say. */
async function plans(type: string) {
  const backend = backendOf(type);
  const service: ServiceWorkload = {
    ...workload(type, 'serve'),
    replicas: 2,
    artifactFolder: null,
  };
  const job = { kind: 'JOB', workload: workload(type, 'train') } as const;
  const serves = backend.services !== null || backend.functions !== null;
  return Promise.all([
    ...(backend.jobs === null ? [] : [backend.plan(job, 'key-1')]),
    ...(serves ? [backend.plan({ kind: 'SERVICE', workload: service }, 'key-2')] : []),
  ]);
}

describe.each(backendDefinitions.map(({ type }) => type))('a plan of %s', (type) => {
  test('is there while the backend is out of reach, the same each time, and leaves nothing', async () => {
    const before = await readdir(folder, { recursive: true });
    const all = await plans(type);
    expect(all.length).toBeGreaterThan(0);
    for (const requests of all) {
      expect(requests.length).toBeGreaterThan(0);
      for (const { title, mediaType, text } of requests) {
        expect([title, text].every((each) => each.trim() !== '')).toBe(true);
        expect(mediaType).toMatch(/^[a-z]+\/[a-z0-9.+-]+$/);
        const isJson = mediaType === 'application/json';
        expect(isJson ? (JSON.parse(text) as unknown) : {}).toBeTypeOf('object');
      }
    }
    expect(await plans(type)).toEqual(all);
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  test('names the secrets and tells none, in no form; what is plain is there', async () => {
    const text = JSON.stringify(await plans(type));
    for (const told of ['hunter2', Buffer.from(secret).toString('base64'), 'tok-3n']) {
      expect(text).not.toContain(told);
    }
    expect(text).toContain('as it is');
    expect(text).toContain('***');
  });

  test('of what it cannot do is refused as the thing itself would be', async () => {
    const backend = backendOf(type);
    const nothing = {
      ...workload(type, 'train'),
      program: { kind: 'COMMAND', argv: [], image: null },
    } as const;
    await expect(backend.plan({ kind: 'JOB', workload: nothing }, 'key-3')).rejects.toMatchObject({
      name: 'BackendError',
      kind: expect.stringMatching(/^(Unsupported|Rejected)$/) as string,
    });
  });
});
