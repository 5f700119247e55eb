import { resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ProcessContainers } from '../fakes/openwhisk/process-containers.ts';
import type { FakeOpenWhiskOptions } from '../fakes/openwhisk/server.ts';
import { FakeOpenWhisk } from '../fakes/openwhisk/server.ts';
import { platformContract } from './openwhisk-platform.contract.ts';

let fake: FakeOpenWhisk | null = null;
afterEach(async () => {
  await fake?.close();
  fake = null;
});

const plain = resolve(import.meta.dirname, '../fakes/openwhisk/plain-action.mjs');

async function start(
  options: Partial<FakeOpenWhiskOptions> = {},
): Promise<{ readonly fake: FakeOpenWhisk; readonly containers: ProcessContainers }> {
  const containers = images();
  fake = await FakeOpenWhisk.start({ factory: containers, ...options });
  return { fake, containers };
}

function images(): ProcessContainers {
  const argv = [process.execPath, plain];
  return new ProcessContainers({
    'fake/plain:1': { argv },
    'fake/plain:2': { argv },
    'openwhisk/action-nodejs-v20': { argv },
  });
}

interface Activation {
  readonly activationId: string;
  readonly version: string;
  readonly response: { readonly status: string; readonly result: Record<string, unknown> };
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
}

async function ask(
  server: FakeOpenWhisk,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: unknown; readonly headers: Headers }> {
  const answer = await fetch(`${server.url}/api/v1/namespaces/_/${path}`, {
    method,
    headers: { authorization: `Basic ${Buffer.from(server.key).toString('base64')}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, body: await answer.json(), headers: answer.headers };
}

const blackbox = (image = 'fake/plain:1', more: object = {}): object => ({
  exec: { kind: 'blackbox', image },
  ...more,
});
const asked = (query: string): object => ({ __ow_path: `/?${query}` });
const blocking = 'actions/a?blocking=true';

async function invoked(server: FakeOpenWhisk, query = ''): Promise<Activation> {
  return (await ask(server, 'POST', blocking, asked(query))).body as Activation;
}

/** A container is given back when its log was read, a moment after the answer. */
async function untilIdle(server: FakeOpenWhisk): Promise<void> {
  for (let round = 0; server.pool.states.includes('BUSY') && round < 500; round++) {
    await new Promise((next) => setTimeout(next, 10));
  }
}

function annotation({ annotations }: Activation, name: string): unknown {
  return annotations.find(({ key }) => key === name)?.value;
}

platformContract({
  name: 'the compatible server',
  create: async () => {
    const limits = { invocationsPerMinute: 600 };
    const factory = images();
    const server = await FakeOpenWhisk.start({ factory, limits, poolMemoryMiB: 4096 });
    return {
      url: server.url,
      key: server.key,
      plain: 'fake/plain:1',
      settled: () => untilIdle(server),
      mixesLogs: null,
      destroy: () => server.close(),
    };
  },
});

/** What the real one does by its source, and cannot be asked to do in a test: time passes here as it is told. */
describe('containers', () => {
  test('are made of an image that was pulled just then, and after a change of the new one', async () => {
    const { fake: server, containers } = await start();
    await ask(server, 'PUT', 'actions/a', blackbox());
    const cold = await invoked(server);
    await untilIdle(server);
    const warm = await invoked(server);
    expect(annotation(cold, 'initTime')).toEqual(expect.any(Number));
    expect(annotation(warm, 'initTime')).toBeUndefined();
    expect(containers.pulls).toEqual(['fake/plain:1']);
    await untilIdle(server);
    await ask(server, 'PUT', 'actions/a?overwrite=true', blackbox('fake/plain:2'));
    const changed = await invoked(server);
    expect(changed.version).toBe('0.0.2');
    expect(annotation(changed, 'initTime')).toEqual(expect.any(Number));
    expect(containers.pulls).toEqual(['fake/plain:1', 'fake/plain:2']);
  });

  test('are paused after 10 s, wake when called, and go after 10 min', async () => {
    const { fake: server, containers } = await start();
    await ask(server, 'PUT', 'actions/a', blackbox());
    await invoked(server);
    await untilIdle(server);
    server.clock.advance(9_000);
    expect(server.pool.states).toEqual(['WARM']);
    server.clock.advance(1_001);
    expect(server.pool.states).toEqual(['PAUSED']);
    expect(annotation(await invoked(server), 'initTime')).toBeUndefined();
    await untilIdle(server);
    server.clock.advance(599_000);
    expect(server.pool.states).toEqual(['PAUSED']);
    server.clock.advance(1_001);
    expect(server.pool.states).toEqual([]);
    for (let round = 0; containers.count > 0 && round < 100; round++) {
      await new Promise((next) => setTimeout(next, 10));
    }
    expect(containers.count).toBe(0);
  });

  test('make room for others, and wait for room where all are busy', async () => {
    const { fake: server } = await start({ poolMemoryMiB: 512 });
    for (const name of ['a', 'b', 'c']) await ask(server, 'PUT', `actions/${name}`, blackbox());
    for (const name of ['a', 'b', 'c']) {
      expect((await ask(server, 'POST', `actions/${name}?blocking=true`, {})).status).toBe(200);
    }
    expect(server.pool.states).toHaveLength(2);
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(server, 'POST', blocking, {})));
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(server.pool.states.length).toBeLessThanOrEqual(2);
  });
});

describe('calls', () => {
  test('are waited for as long as asked, 60 s at most, and go on afterwards', async () => {
    const { fake: server } = await start();
    const code =
      'function main({ ms }) { return new Promise((done) => setTimeout(() => done({ ok: 1 }), ms)); }';
    const limits = { timeout: 300_000 };
    await ask(server, 'PUT', 'actions/a', { exec: { kind: 'nodejs:default', code }, limits });
    const quick = await ask(server, 'POST', `${blocking}&timeout=50`, { ms: 400 });
    expect(quick).toMatchObject({ status: 202, body: { activationId: expect.any(String) } });
    const { activationId } = quick.body as Activation;
    expect(quick.headers.get('x-openwhisk-activation-id')).toBe(activationId);
    expect((await ask(server, 'GET', `activations/${activationId}`)).status).toBe(404);
    const call = ask(server, 'POST', blocking, { ms: 500 });
    await new Promise((next) => setTimeout(next, 200));
    server.clock.advance(59_900);
    expect((await call).status).toBe(202);
    await untilIdle(server);
    expect((await ask(server, 'GET', `activations/${activationId}/result`)).body).toMatchObject({
      success: true,
      result: { ok: 1 },
    });
    for (const wrong of ['0', '60001', 'x']) {
      expect((await ask(server, 'POST', `${blocking}&timeout=${wrong}`, {})).status).toBe(400);
    }
  });

  test('are throttled by the minute of the calendar and by how many there are', async () => {
    const limits = { invocationsPerMinute: 3, concurrentInvocations: 2 };
    const { fake: server } = await start({ limits });
    await ask(server, 'PUT', 'actions/a', blackbox());
    const left = 60_000 - (server.clock.now() % 60_000);
    if (left < 20_000) server.clock.advance(left);
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(server, 'POST', blocking, {})));
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 429, 429]);
    const words = all.map(({ body }) => (body as { error?: string }).error ?? '').join(' ');
    expect(words).toMatch(/Too many concurrent requests in flight \(count: 2, allowed: 2\)/);
    expect(words).toMatch(/Too many requests in the last minute \(count: 4, allowed: 3\)/);
    server.clock.advance(60_000);
    expect((await ask(server, 'POST', blocking, {})).status).toBe(200);
    // Also a call of what is not there, or with arguments that are none.
    expect((await ask(server, 'POST', 'actions/absent', {})).status).toBe(404);
    expect((await ask(server, 'POST', 'actions/a', [])).status).toBe(400);
    expect((await ask(server, 'POST', 'actions/absent', {})).status).toBe(429);
  });
});
