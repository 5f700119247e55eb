import openwhisk from 'openwhisk';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { limitsOf } from '../../backends/openwhisk/limits.ts';
import { soon } from './backend/under-test.ts';

export interface PlatformTarget {
  readonly name: string;
  create(): Promise<PlatformUnderTest>;
}

/** An OpenWhisk, real or compatible. */
export interface PlatformUnderTest {
  readonly url: string;
  readonly key: string;
  /** `test/fakes/openwhisk/plain-action.mjs` as an image with a tag, in a registry that answers. */
  readonly plain: string;
  /**
   * Until containers are free again (the platform answers before it has collected the log of a call), and, where
   * `mixesLogs`, in another second.
   */
  settled(): Promise<void>;
  /** Null, or why of two calls of one container in one second the latter may be given the log of the former. */
  readonly mixesLogs: string | null;
  destroy(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

interface Activation {
  readonly activationId: string;
  readonly version: string;
  readonly start: number;
  readonly logs: readonly string[];
  readonly response: { readonly status: string; readonly result: Record<string, unknown> };
  readonly annotations: readonly { readonly key: string; readonly value: unknown }[];
}

const mebibyte = 1024 * 1024;
let names = 0;

/** One platform, and an action of its own for each test. */
class Probe {
  readonly under: PlatformUnderTest;
  #names: string[] = [];

  constructor(under: PlatformUnderTest) {
    this.under = under;
  }

  /** Of an action that goes with the test. */
  name(): string {
    const name = `probe-${process.pid}-${++names}`;
    this.#names.push(name);
    return name;
  }

  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const { url, key } = this.under;
    const answer = await fetch(`${url}/api/v1/namespaces/_/${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(key).toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  }

  put(name: string, more: object = {}, query = ''): Promise<Answer> {
    const exec = { kind: 'blackbox', image: this.under.plain };
    return this.ask('PUT', `actions/${name}${query}`, { exec, ...more });
  }

  /** A call that the container answers as `query` says; see plain-action.mjs. */
  call(name: string, query = '', how = 'blocking=true'): Promise<Answer> {
    return this.ask('POST', `actions/${name}?${how}`, { __ow_path: `/?${query}` });
  }

  async called(name: string, query = ''): Promise<Activation> {
    return (await this.call(name, query)).body as Activation;
  }

  async recordOf(id: string): Promise<Activation> {
    for (const limit = soon(); !limit.aborted;) {
      const { status, body } = await this.ask('GET', `activations/${id}`);
      if (status === 200) return body as Activation;
      await new Promise((next) => setTimeout(next, 50));
    }
    throw new Error('it was never recorded');
  }

  async clear(): Promise<void> {
    for (const name of this.#names.splice(0)) await this.ask('DELETE', `actions/${name}`);
  }
}

/** What the adapter relies on, in the platform's own words: those of the real one are right. */
export function platformContract(target: PlatformTarget): void {
  describe(`the platform: ${target.name}`, () => {
    let opened: Probe | null = null;
    const probe = (): Probe => {
      if (opened === null) throw new Error('nothing was opened');
      return opened;
    };
    beforeAll(async () => {
      opened = new Probe(await target.create());
    }, 60_000);
    afterEach(() => opened?.clear());
    afterAll(() => opened?.under.destroy());

    actions(probe);
    containers(probe);
    calls(probe);
    ownClient(probe);
  });
}

function actions(probe: () => Probe): void {
  test('an action is made once, changed with overwrite, and each change is another version', async () => {
    const name = probe().name();
    expect((await probe().put(name)).body).toMatchObject({
      namespace: expect.any(String),
      version: '0.0.1',
      updated: expect.any(Number),
      limits: { timeout: 60_000, memory: 256, logs: 10, concurrency: 1 },
      annotations: expect.arrayContaining([{ key: 'exec', value: 'blackbox' }]),
    });
    expect(await probe().put(name)).toMatchObject({
      status: 409,
      body: { error: 'resource already exists', code: expect.any(String) },
    });
    const change = { limits: { memory: 512 }, annotations: [{ key: 'b', value: 1 }] };
    expect((await probe().put(name, change, '?overwrite=true')).body).toMatchObject({
      version: '0.0.2',
      exec: { image: probe().under.plain },
      limits: { timeout: 60_000, memory: 512 },
      annotations: expect.arrayContaining([
        { key: 'exec', value: 'blackbox' },
        { key: 'b', value: 1 },
      ]),
    });
    expect((await probe().ask('GET', 'actions?limit=0')).body).toEqual(
      expect.arrayContaining([expect.objectContaining({ name, exec: { binary: false } })]),
    );
    expect((await probe().ask('DELETE', `actions/${name}`)).status).toBe(200);
    expect(await probe().ask('GET', `actions/${name}`)).toMatchObject({
      status: 404,
      body: { error: 'The requested resource does not exist.', code: expect.any(String) },
    });
  });

  test('limits are told before a PUT, by the namespace and by the platform alike', async () => {
    const own = (await probe().ask('GET', 'limits')).body;
    const info: unknown = await (await fetch(`${probe().under.url}/`)).json();
    const told = limitsOf(own, info);
    expect(told).toEqual({
      callsPerMinute: expect.any(Number),
      callsAtOnce: expect.any(Number),
      memoryMiB: { minimum: expect.any(Number), maximum: expect.any(Number) },
      timeoutMs: { minimum: expect.any(Number), maximum: expect.any(Number) },
      keepsRecords: true,
    });
    expect(limitsOf(own, null)).toEqual(told);
    expect(limitsOf(null, info)).toEqual(told);
  });

  test('beyond the limits, without an image or with a digest is as the platform has it', async () => {
    const { memoryMiB, timeoutMs } = limitsOf((await probe().ask('GET', 'limits')).body, null);
    const [memory, timeout] = [(memoryMiB?.maximum ?? 0) + 1, (timeoutMs?.maximum ?? 0) + 1];
    const refused = [
      [{ limits: { memory } }, new RegExp(`${memory} MB exceeds allowed threshold of`)],
      [{ limits: { timeout } }, /exceeds allowed threshold/],
      [{ exec: { kind: 'nodejs:6', code: '' } }, /is not supported/],
      [{ exec: { kind: 'blackbox', image: 'ABC' } }, /malformed/],
    ] as const;
    const name = probe().name();
    for (const [more, words] of refused) {
      const { status, body } = await probe().put(name, more);
      expect({ more, status }).toEqual({ more, status: 400 });
      expect((body as { error: string }).error).toMatch(words);
    }
    const image = `${probe().under.plain}@sha256:${'0'.repeat(64)}`;
    const pinned = await probe().put(name, { exec: { kind: 'blackbox', image } });
    expect(pinned.body).toMatchObject({ exec: { image: probe().under.plain } });
  });

  test("an action is nobody's without a key, and foreign namespaces are closed", async () => {
    const { status, headers } = await fetch(`${probe().under.url}/api/v1/namespaces`);
    expect(status).toBe(401);
    expect(headers.get('www-authenticate')).toContain('Basic');
    const wrong = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'x'.repeat(64)}`;
    const authorization = `Basic ${Buffer.from(wrong).toString('base64')}`;
    const refused = await fetch(`${probe().under.url}/api/v1/namespaces`, {
      headers: { authorization },
    });
    expect(refused.status).toBe(401);
    expect((await probe().ask('GET', '../somebody-else/actions')).status).toBe(403);
  });
}

function containers(probe: () => Probe): void {
  test('a container is cold once, warm after it, and cold again after a change', async () => {
    const name = probe().name();
    await probe().put(name);
    const cold = await probe().called(name);
    await probe().under.settled();
    const warm = await probe().called(name);
    expect(annotation(cold, 'initTime')).toEqual(expect.any(Number));
    expect(annotation(cold, 'waitTime')).toEqual(expect.any(Number));
    expect(annotation(warm, 'initTime')).toBeUndefined();
    expect(annotation(warm, 'waitTime')).toEqual(expect.any(Number));
    await probe().under.settled();
    await probe().put(name, {}, '?overwrite=true');
    const changed = await probe().called(name);
    expect(changed.version).toBe('0.0.2');
    expect(annotation(changed, 'initTime')).toEqual(expect.any(Number));
  });

  test('one that fails is not used again; one that reports an error of its own is', async () => {
    const outcomes = [
      ['error=mine', 'application error', 'mine', true],
      ['status=500&error=theirs', 'action developer error', 'theirs', false],
      ['text=plain', 'action developer error', expect.stringMatching(/valid JSON/), false],
      ['chunked', 'action developer error', expect.stringMatching(/exited unexpectedly/), false],
      ['exit=1', 'action developer error', expect.stringMatching(/exited unexpectedly/), false],
    ] as const;
    const name = probe().name();
    await probe().put(name);
    for (const [query, kind, error, isKept] of outcomes) {
      const { status, body } = await probe().call(name, query);
      expect({ query, status }).toEqual({ query, status: 502 });
      expect((body as Activation).response).toMatchObject({ status: kind, result: { error } });
      await probe().under.settled();
      const isWarm = annotation(await probe().called(name), 'initTime') === undefined;
      expect({ query, isWarm }).toEqual({ query, isWarm: isKept });
      await probe().under.settled();
    }
  });

  test('one that refuses its next call is not missed: the call is given another', async () => {
    const name = probe().name();
    await probe().put(name);
    expect((await probe().call(name, 'deaf')).status).toBe(200);
    await probe().under.settled();
    const next = await probe().called(name);
    expect(next.response).toMatchObject({ status: 'success' });
    expect(annotation(next, 'initTime')).toEqual(expect.any(Number));
  });

  test('one that cannot be initialised says why, and a result that is a list comes bare', async () => {
    const name = probe().name();
    await probe().put(name, { parameters: [{ key: 'INIT_STATUS', value: 500, init: true }] });
    const failed = await probe().called(name);
    expect(failed.response).toMatchObject({
      status: 'action developer error',
      result: { error: 'told to fail' },
    });
    await probe().put(name, { parameters: [] }, '?overwrite=true');
    expect((await probe().call(name, 'json=[1]')).body).toEqual([1]);
  });

  test('one whose image is not there is a developer error of the platform', async () => {
    const image = probe().under.plain.replace(/[^/]+$/, 'absent:1');
    const name = probe().name();
    await probe().put(name, { exec: { kind: 'blackbox', image } });
    const failed = await probe().called(name);
    expect(failed.response).toMatchObject({
      status: 'action developer error',
      result: { error: `Failed to pull container image '${image}'.` },
    });
    expect(annotation(failed, 'initTime')).toBeUndefined();
  });
}

function calls(probe: () => Probe): void {
  test('a call is waited for as long as asked, goes on afterwards, and has no record before its end', async () => {
    const name = probe().name();
    await probe().put(name);
    const early = await probe().call(name, 'sleep=2500', 'blocking=true&timeout=50');
    expect(early).toMatchObject({ status: 202, body: { activationId: expect.any(String) } });
    const { activationId } = early.body as Activation;
    expect(early.headers.get('x-openwhisk-activation-id')).toBe(activationId);
    expect((await probe().ask('GET', `activations/${activationId}`)).status).toBe(404);
    const { response } = await probe().recordOf(activationId);
    expect(response).toMatchObject({ status: 'success', result: { statusCode: 200 } });
    for (const wrong of ['0', '60001', 'x']) {
      expect((await probe().call(name, '', `blocking=true&timeout=${wrong}`)).status).toBe(400);
    }
  });

  test('a call that is not waited for is a 202 too, and is listed when it has ended', async () => {
    const name = probe().name();
    await probe().put(name);
    const accepted = await probe().call(name, 'print=hello', 'blocking=false');
    expect(accepted.status).toBe(202);
    const { activationId } = accepted.body as Activation;
    const { start, logs } = await probe().recordOf(activationId);
    // A container may have said something before it was given the action.
    expect(logs.at(-1)).toMatch(/^\d{4}-\S+Z (stdout: )?hello$/);
    const list = `activations?name=${name}&since=${start}&limit=10`;
    expect((await probe().ask('GET', list)).body).toEqual([
      expect.objectContaining({
        activationId,
        statusCode: 0,
        end: expect.any(Number),
        annotations: expect.arrayContaining([expect.objectContaining({ key: 'initTime' })]),
      }),
    ]);
    expect((await probe().ask('GET', `activations?name=${name}&since=${start + 1}`)).body).toEqual(
      [],
    );
    expect((await probe().ask('GET', `activations/${activationId}/logs`)).body).toEqual({ logs });
    for (const [id, code] of [
      ['0'.repeat(32), 404],
      ['none', 400],
    ] as const) {
      expect((await probe().ask('GET', `activations/${id}`)).status).toBe(code);
    }
  });

  test('a log is that of its own call, also when two are in one second', async ({ skip }) => {
    const name = probe().name();
    await probe().put(name);
    await probe().called(name);
    await probe().under.settled();
    const [former, latter] = await twoInOneSecond(probe(), name);
    expect(former.logs).toEqual([expect.stringMatching(/ former$/)]);
    const { mixesLogs } = probe().under;
    const isMixed = latter.logs.length === 1 && latter.logs[0] === former.logs[0];
    if (isMixed && mixesLogs !== null) return skip(mixesLogs);
    expect(latter.logs).toEqual([expect.stringMatching(/ latter$/)]);
  });

  test('a call of more than 1 MiB is refused, and an answer of more is cut', async () => {
    const name = probe().name();
    await probe().put(name);
    const body = { text: 'x'.repeat(mebibyte) };
    expect(await probe().ask('POST', `actions/${name}?blocking=true`, body)).toMatchObject({
      status: 413,
      body: { error: expect.stringMatching(/^Request larger than allowed: \d+ > 1048576 bytes/) },
    });
    const cut = await probe().call(name, `bytes=${mebibyte}`);
    expect(cut.status).toBe(502);
    const { status, result } = (cut.body as Activation).response;
    expect(status).toBe('application error');
    expect(result['error']).toMatch(/exceeded the allowed length: \d+ > 1048576 bytes/);
    // What there was is told up to 1 MiB: the answer to the caller is no shorter than that.
    expect(String(result['error']).length).toBeGreaterThan(mebibyte);
    expect(String(result['error']).length).toBeLessThan(mebibyte + 1000);
  });

  test('parameters of more than 1 MiB are refused', async () => {
    const parameters = [{ key: 'text', value: 'x'.repeat(mebibyte), init: true }];
    expect(await probe().put(probe().name(), { parameters })).toMatchObject({ status: 413 });
  });
}

function ownClient(probe: () => Probe): void {
  test("OpenWhisk's own client makes, changes, calls, reads and removes an action", async () => {
    const { url, key, plain } = probe().under;
    const client = openwhisk({ apihost: url, api_key: key });
    const name = probe().name();
    const image: unknown = { exec: { kind: 'blackbox', image: plain } };
    const action = image as string;
    const [namespace = ''] = (await client.namespaces.list()) as unknown as readonly string[];
    await client.actions.create({ name, action });
    await expect(client.actions.create({ name, action })).rejects.toMatchObject({
      statusCode: 409,
    });
    expect(await client.actions.get(name)).toMatchObject({ namespace, name, version: '0.0.1' });
    expect(await client.actions.update({ name, action })).toMatchObject({ version: '0.0.2' });
    expect((await client.actions.list({ limit: 200 })).map((one) => one.name)).toContain(name);
    const params = { __ow_path: '/?json={"greeting":"hi"}' };
    const call = { name, blocking: true, result: true, params };
    expect(await client.actions.invoke(call)).toEqual({ greeting: 'hi' });
    await probe().under.settled();
    const told = { name, params: { __ow_path: '/?print=hello' } };
    const { activationId } = await client.actions.invoke(told);
    await probe().recordOf(activationId);
    expect(await client.activations.get(activationId)).toMatchObject({
      activationId,
      response: { success: true, result: { statusCode: 200 } },
    });
    expect(await client.activations.logs({ name: activationId })).toEqual({
      logs: expect.arrayContaining([expect.stringMatching(/^\d{4}-\S+Z (stdout: )?hello$/)]),
    });
    const failing = { name, blocking: true, params: { __ow_path: '/?error=mine' } };
    await expect(client.actions.invoke(failing)).rejects.toMatchObject({
      statusCode: 502,
      error: { response: { status: 'application error', result: { error: 'mine' } } },
    });
    await client.actions.delete(name);
    await expect(client.actions.get(name)).rejects.toMatchObject({ statusCode: 404 });
  });

  test('is told of a wrong key', async () => {
    const wrong = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'x'.repeat(64)}`;
    const client = openwhisk({ apihost: probe().under.url, api_key: wrong });
    await expect(client.actions.list()).rejects.toMatchObject({ statusCode: 401 });
  });
}

/** Records of two calls that one container had in one second, one after the other. */
async function twoInOneSecond(
  probe: Probe,
  name: string,
): Promise<readonly [Activation, Activation]> {
  for (const limit = soon(); !limit.aborted;) {
    await new Promise((next) => setTimeout(next, 1000 - (Date.now() % 1000)));
    // Its container is free when its log was collected, which is before it is recorded.
    const former = await probe.recordOf((await probe.called(name, 'print=former')).activationId);
    const latter = await probe.recordOf((await probe.called(name, 'print=latter')).activationId);
    const isWarm = [former, latter].every((one) => annotation(one, 'initTime') === undefined);
    const isOneSecond = Math.floor(former.start / 1000) === Math.floor(latter.start / 1000);
    if (isWarm && isOneSecond) return [former, latter];
  }
  throw new Error('no two calls came into one second');
}

function annotation({ annotations }: Activation, name: string): unknown {
  return annotations.find(({ key }) => key === name)?.value;
}
