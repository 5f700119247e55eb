import { resolve } from 'node:path';
import openwhisk from 'openwhisk';
import { afterEach, describe, expect, test } from 'vitest';
import { ProcessContainers } from '../fakes/openwhisk/process-containers.ts';
import type { FakeOpenWhiskOptions } from '../fakes/openwhisk/server.ts';
import { FakeOpenWhisk } from '../fakes/openwhisk/server.ts';

/** What the compatible server promises, as OpenWhisk's source says it; the real one is right where they disagree. */

let fake: FakeOpenWhisk | null = null;
afterEach(async () => {
  await fake?.close();
  fake = null;
});

const plain = resolve(import.meta.dirname, '../fakes/openwhisk/plain-action.mjs');

async function start(
  options: Partial<FakeOpenWhiskOptions> = {},
): Promise<{ readonly fake: FakeOpenWhisk; readonly containers: ProcessContainers }> {
  const argv = [process.execPath, plain];
  const containers = new ProcessContainers({
    'fake/plain:1': { argv },
    'fake/plain:2': { argv },
    'openwhisk/action-nodejs-v20': { argv },
  });
  fake = await FakeOpenWhisk.start({ factory: containers, ...options });
  return { fake, containers };
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

describe('actions', () => {
  test('are made once, changed with overwrite, and each change is another version', async () => {
    const { fake: server } = await start();
    expect((await ask(server, 'PUT', 'actions/a', blackbox())).body).toMatchObject({
      namespace: 'guest',
      version: '0.0.1',
      limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
      annotations: expect.arrayContaining([{ key: 'exec', value: 'blackbox' }]),
    });
    expect(await ask(server, 'PUT', 'actions/a', blackbox())).toMatchObject({
      status: 409,
      body: { error: 'resource already exists', code: expect.any(String) },
    });
    const change = { limits: { memory: 512 }, annotations: [{ key: 'b', value: 1 }] };
    expect((await ask(server, 'PUT', 'actions/a?overwrite=true', change)).body).toMatchObject({
      version: '0.0.2',
      exec: { image: 'fake/plain:1' },
      limits: { timeout: 60_000, memory: 512 },
    });
    expect((await ask(server, 'GET', 'actions')).body).toMatchObject([
      { name: 'a', exec: { binary: false } },
    ]);
    expect((await ask(server, 'DELETE', 'actions/a')).status).toBe(200);
    expect((await ask(server, 'GET', 'actions/a')).status).toBe(404);
  });

  test('beyond the limits, without an image or with a digest are as the platform has them', async () => {
    const { fake: server } = await start();
    const refused = [
      [{ limits: { memory: 1024 } }, /1024 MB exceeds allowed threshold of 512 MB/],
      [{ limits: { timeout: 300_001 } }, /exceeds allowed threshold/],
      [{ exec: { kind: 'nodejs:6', code: '' } }, /is not supported/],
      [{ exec: { kind: 'blackbox', image: 'ABC' } }, /malformed/],
    ] as const;
    for (const [more, words] of refused) {
      const { status, body } = await ask(server, 'PUT', 'actions/a', { ...blackbox(), ...more });
      expect({ more, status }).toEqual({ more, status: 400 });
      expect((body as { error: string }).error).toMatch(words);
    }
    const pinned = blackbox(`fake/plain:1@sha256:${'0'.repeat(64)}`);
    expect((await ask(server, 'PUT', 'actions/a', pinned)).body).toMatchObject({
      exec: { image: 'fake/plain:1' },
    });
  });

  test("are nobody's without a key, and foreign namespaces are closed", async () => {
    const { fake: server } = await start();
    const { status, headers } = await fetch(`${server.url}/api/v1/namespaces`);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('Basic');
    expect((await ask(server, 'GET', '../other/actions')).status).toBe(403);
  });
});

describe('containers', () => {
  test('are cold once, warm after it, and cold again after a change', async () => {
    const { fake: server, containers } = await start();
    await ask(server, 'PUT', 'actions/a', blackbox());
    const cold = await invoked(server);
    await untilIdle(server);
    const warm = await invoked(server);
    expect(annotation(cold, 'initTime')).toEqual(expect.any(Number));
    expect(annotation(warm, 'initTime')).toBeUndefined();
    expect(annotation(warm, 'waitTime')).toEqual(expect.any(Number));
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

  test('that fail are not used again; those that report an error of their own are', async () => {
    const { fake: server } = await start();
    await ask(server, 'PUT', 'actions/a', blackbox());
    const outcomes = [
      ['error=mine', 502, 'application error', 'mine', 1],
      ['status=500&error=theirs', 502, 'action developer error', 'theirs', 0],
      ['text=plain', 502, 'action developer error', expect.stringMatching(/valid JSON/), 0],
      ['chunked', 502, 'action developer error', expect.stringMatching(/valid JSON/), 0],
      ['exit=1', 502, 'action developer error', expect.stringMatching(/exited unexpectedly/), 0],
    ] as const;
    for (const [query, code, kind, error, left] of outcomes) {
      const { status, body } = await ask(server, 'POST', blocking, asked(query));
      expect({ query, status }).toEqual({ query, status: code });
      expect((body as Activation).response).toMatchObject({ status: kind, result: { error } });
      await untilIdle(server);
      expect({ query, containers: server.pool.states.length }).toEqual({ query, containers: left });
    }
  });

  test('that cannot be initialised say why, and a result that is a list comes bare', async () => {
    const { fake: server } = await start();
    const parameters = [{ key: 'INIT_STATUS', value: 500, init: true }];
    await ask(server, 'PUT', 'actions/a', blackbox('fake/plain:1', { parameters }));
    expect((await invoked(server)).response).toMatchObject({
      status: 'action developer error',
      result: { error: 'told to fail' },
    });
    await ask(server, 'PUT', 'actions/a?overwrite=true', { parameters: [] });
    expect((await ask(server, 'POST', blocking, asked('json=[1]'))).body).toEqual([1]);
  });

  test('whose image is not there are a developer error of the platform', async () => {
    const { fake: server } = await start();
    await ask(server, 'PUT', 'actions/a', blackbox('fake/absent:1'));
    const failed = await invoked(server);
    expect(failed.response).toEqual(
      expect.objectContaining({
        status: 'action developer error',
        result: { error: "Failed to pull container image 'fake/absent:1'." },
      }),
    );
    expect(annotation(failed, 'initTime')).toBeUndefined();
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
    if (left < 5000) server.clock.advance(left);
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(server, 'POST', blocking, {})));
    expect(all.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 429, 429]);
    const words = all.map(({ body }) => (body as { error?: string }).error ?? '').join(' ');
    expect(words).toMatch(/Too many concurrent requests in flight \(count: 2, allowed: 2\)/);
    expect(words).toMatch(/Too many requests in the last minute \(count: 4, allowed: 3\)/);
    server.clock.advance(60_000);
    expect((await ask(server, 'POST', blocking, {})).status).toBe(200);
  });

  test('of more than 1 MiB are refused, and answers of more are cut', async () => {
    const { fake: server } = await start();
    const code = "function main({ n }) { return { text: 'x'.repeat(n ?? 0) }; }";
    await ask(server, 'PUT', 'actions/a', { exec: { kind: 'nodejs:20', code } });
    const refused = await ask(server, 'POST', blocking, { text: 'x'.repeat(1024 * 1024) });
    expect(refused).toMatchObject({
      status: 413,
      body: { error: expect.stringMatching(/^Request larger than allowed: \d+ > 1048576 bytes/) },
    });
    const cut = await ask(server, 'POST', blocking, { n: 1024 * 1024 });
    expect(cut.status).toBe(502);
    const { status, result } = (cut.body as Activation).response;
    expect(status).toBe('application error');
    expect(result['error']).toMatch(/exceeded the allowed length: \d+ > 1048576 bytes/);
    expect(String(result['error']).length).toBeLessThan(2000);
  });
});

describe("OpenWhisk's own client", () => {
  test('makes, changes, calls, reads and removes an action', async () => {
    const { fake: server } = await start();
    const client = openwhisk({ apihost: server.url, api_key: server.key });
    const action =
      "function main({ name }) { console.log('hello'); return { greeting: `hi ${name}` }; }";
    expect(await client.namespaces.list()).toEqual(['guest']);
    await client.actions.create({ name: 'greet', action });
    await expect(client.actions.create({ name: 'greet', action })).rejects.toMatchObject({
      statusCode: 409,
    });
    expect(await client.actions.get('greet')).toMatchObject({ name: 'greet', version: '0.0.1' });
    expect(await client.actions.update({ name: 'greet', action })).toMatchObject({
      version: '0.0.2',
    });
    expect(await client.actions.list()).toHaveLength(1);
    const call = { name: 'greet', blocking: true, result: true, params: { name: 'you' } };
    expect(await client.actions.invoke(call)).toEqual({ greeting: 'hi you' });
    const { activationId } = await client.actions.invoke({ name: 'greet' });
    for (let round = 0; server.activations.get(activationId) === null && round < 200; round++) {
      await new Promise((next) => setTimeout(next, 10));
    }
    expect(await client.activations.get(activationId)).toMatchObject({
      activationId,
      response: { success: true, result: { greeting: 'hi undefined' } },
    });
    expect(await client.activations.logs({ name: activationId })).toEqual({
      logs: [expect.stringMatching(/^\d{4}-\S+Z stdout: hello$/)],
    });
    expect(await client.activations.list({ limit: 1 })).toHaveLength(1);
    await client.actions.delete('greet');
    await expect(client.actions.get('greet')).rejects.toMatchObject({ statusCode: 404 });
  });

  test('is told of a wrong key', async () => {
    const { fake: server } = await start();
    const client = openwhisk({ apihost: server.url, api_key: 'some:body' });
    await expect(client.actions.list()).rejects.toMatchObject({ statusCode: 401 });
  });
});
