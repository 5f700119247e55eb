import { afterEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { FunctionRunner } from '../../../backends/contract/function-runner.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { FakeOpenWhiskOptions } from '../../fakes/openwhisk/server.ts';
import { predictedIn, predictPath } from './functions-under-test.ts';
import type { OpenWhiskUnderTest } from './openwhisk-under-test.ts';
import { openOpenWhisk } from './openwhisk-under-test.ts';
import { kindOf, newKey, printed, service, soon } from './under-test.ts';

let open: OpenWhiskUnderTest[] = [];
afterEach(async () => {
  const all = open;
  open = [];
  await Promise.all(all.map((under) => under.destroy()));
});

async function platform(
  settings: object = {},
  options: Partial<FakeOpenWhiskOptions> = {},
): Promise<OpenWhiskUnderTest> {
  const under = await openOpenWhisk(settings, options);
  open.push(under);
  return under;
}

function deploy(under: OpenWhiskUnderTest, key = newKey()): Promise<Handle> {
  const workload = service(under.program);
  // Longer than the platform lets anybody wait.
  const resources = { ...workload.resources, timeLimitSeconds: 240 };
  return under.functions.deploy({ ...workload, resources }, { key, signal: soon() });
}

function plain(under: OpenWhiskUnderTest): Promise<Handle> {
  const options = { key: newKey(), signal: soon() };
  return under.functions.deploy(service(under.plain()), options);
}

async function predict(
  functions: FunctionRunner,
  handle: Handle,
  body: object = {},
  milliseconds = 20_000,
) {
  const headers = { 'content-type': 'application/json' };
  const bytes = Buffer.from(JSON.stringify(body));
  const request = { method: 'POST', path: predictPath, headers, body: bytes } as const;
  return functions.invoke(handle, request, { deadline: Date.now() + milliseconds });
}

function get(functions: FunctionRunner, handle: Handle, path: string, milliseconds = 20_000) {
  const request = { method: 'GET', path, headers: {}, body: null } as const;
  return functions.invoke(handle, request, { deadline: Date.now() + milliseconds });
}

async function errorOf(work: () => Promise<unknown>): Promise<BackendError> {
  const error = await work().then(
    () => null,
    (one: unknown) => one,
  );
  if (error instanceof BackendError) return error;
  throw error ?? new Error('it did not reject');
}

const posts = (under: OpenWhiskUnderTest): number =>
  under.fake.requests.filter((request) => request.startsWith('POST')).length;

describe('a reply that is lost', () => {
  test('of a deployment: the same key finds what was made', async () => {
    const under = await platform();
    const key = newKey();
    under.fake.faults.add({
      method: 'PUT',
      path: '/actions/',
      times: 1,
      kind: { is: 'REPLY_LOST' },
    });
    expect(await kindOf(() => deploy(under, key))).toBe('Unavailable');
    const handle = await deploy(under, key);
    expect(under.fake.actions.size).toBe(1);
    expect([...under.fake.actions.values()][0]?.version).toBe('0.0.1');
    expect((await under.functions.status(handle)).phase).toBe('READY');
  });

  test('of a call: it is not sent again', async () => {
    const under = await platform();
    const handle = await deploy(under);
    under.fake.faults.add({
      method: 'POST',
      path: '/actions/',
      times: 1,
      kind: { is: 'REPLY_LOST' },
    });
    expect(await kindOf(() => predict(under.functions, handle))).toBe('Unavailable');
    expect(posts(under)).toBe(1);
  });

  test('of a release: the next one is content', async () => {
    const under = await platform();
    const handle = await deploy(under);
    under.fake.faults.add({ method: 'DELETE', path: '', times: 1, kind: { is: 'REPLY_LOST' } });
    expect(await kindOf(() => under.backend.release(handle))).toBe('Unavailable');
    expect(await under.backend.release(handle)).toBeUndefined();
    expect(under.fake.actions.size).toBe(0);
  });
});

describe('deployments that meet', () => {
  test('of one key leave one action, and all have it', async () => {
    const under = await platform();
    const others = await Promise.all([1, 2, 3].map(() => under.again()));
    const key = newKey();
    const options = { key, signal: soon() };
    const handles = await Promise.all(
      others.map(async ({ functions }) => functions?.deploy(service(under.program), options)),
    );
    for (const handle of handles) expect(handle).toEqual(handles[0]);
    expect([...under.fake.actions.values()].map(({ version }) => version)).toEqual(['0.0.1']);
    await Promise.all(others.map((other) => other.close()));
  });

  test('with something else of that name are Rejected, and leave it alone', async () => {
    const under = await platform();
    const key = newKey();
    const handle = await deploy(under, key);
    const [name = '', action] = [...under.fake.actions][0] ?? [];
    if (action === undefined) throw new Error('there is no action');
    under.fake.actions.set(name, { ...action, annotations: [] });
    for (const work of [() => deploy(under, key), () => under.backend.release(handle)]) {
      expect(await kindOf(work)).toBe('Rejected');
    }
    expect(under.fake.actions.size).toBe(1);
  });
});

describe('answers that are none', () => {
  test('500, 503 and pages of a proxy are Unavailable, and change nothing', async () => {
    const under = await platform({ timeoutSeconds: 1 });
    const handle = await deploy(under);
    const kinds = [
      { is: 'STATUS', code: 500 },
      { is: 'STATUS', code: 503 },
      { is: 'HTML', code: 502 },
      { is: 'HTML', code: 200 },
      { is: 'HTML', code: 404 },
    ] as const;
    for (const kind of kinds) {
      const before = posts(under);
      under.fake.faults.add({ method: 'POST', path: '/actions/', times: 1, kind });
      expect({ kind, got: await kindOf(() => predict(under.functions, handle)) }).toEqual({
        kind,
        got: 'Unavailable',
      });
      expect(posts(under) - before).toBe(1);
    }
    expect(await predict(under.functions, handle)).toMatchObject({ kind: 'ANSWER' });
  });

  test('a look is repeated after 503, and told as Unavailable when that goes on', async () => {
    const under = await platform({ timeoutSeconds: 1 });
    const handle = await deploy(under);
    const kind = { is: 'STATUS', code: 503 } as const;
    under.fake.faults.add({ method: 'GET', path: '/actions/', times: 2, kind });
    expect(await under.functions.status(handle)).toMatchObject({ phase: 'READY' });
    under.fake.faults.add({ method: 'GET', path: '/actions/', times: 1000, kind });
    const error = await errorOf(() => under.functions.status(handle));
    expect(error.temporary).toBe(true);
  });
});

describe('credentials that are refused', () => {
  test('are said to be after one request each, and never shown', async () => {
    const under = await platform();
    const handle = await deploy(under);
    const key = `23bc46b1-71f6-4ed5-8c54-816aa4f8c502:${'x'.repeat(64)}`;
    const other = await under.again({ key });
    const { functions } = other;
    if (functions === null) throw new Error('it has no functions');
    const before = under.fake.requests.length;
    expect(await kindOf(() => functions.status(handle))).toBe('Unauthorized');
    expect(await kindOf(() => predict(functions, handle))).toBe('Unauthorized');
    expect(under.fake.requests.length - before).toBe(2);
    const health = await other.health();
    expect(health.reachable).toBe(false);
    expect(JSON.stringify([health, await errorOf(() => functions.status(handle))])).not.toContain(
      'xxxx',
    );
    await other.close();
  });
});

describe('throttling', () => {
  test('is waited for while the deadline allows, one at a time', async () => {
    const under = await platform();
    const handle = await deploy(under);
    await predict(under.functions, handle);
    const kind = { is: 'STATUS', code: 429, message: 'Too many requests in the last minute' };
    under.fake.faults.add({ method: 'POST', path: '', times: 3, kind: { ...kind, is: 'STATUS' } });
    const before = posts(under);
    const calls = Array.from({ length: 3 }, () => predict(under.functions, handle));
    for (const one of await Promise.all(calls)) expect(one.kind).toBe('ANSWER');
    expect(posts(under) - before).toBe(6);
  });

  test('that outlasts the deadline is RateLimited, and says when to come again', async () => {
    const under = await platform({}, { limits: { invocationsPerMinute: 2 } });
    const handle = await deploy(under);
    // Not across the end of a minute.
    const left = 60_000 - (under.fake.clock.now() % 60_000);
    if (left < 5000) under.fake.clock.advance(left);
    await predict(under.functions, handle);
    await predict(under.functions, handle);
    const before = posts(under);
    const error = await errorOf(() => predict(under.functions, handle, {}, 400));
    expect(error.kind).toBe('RateLimited');
    expect(error.retryAfterMs).toBeGreaterThan(0);
    expect(posts(under) - before).toBeLessThan(8);
    under.fake.clock.advance(60_000);
    expect(await predict(under.functions, handle)).toMatchObject({ kind: 'ANSWER' });
  });

  test('of calls at once holds back warming, which gets there all the same', async () => {
    const under = await platform({}, { limits: { concurrentInvocations: 2 } });
    const handle = await deploy(under);
    const deadline = Date.now() + 20_000;
    expect(await under.functions.warm(handle, 4, { deadline })).toHaveLength(4);
    expect((await under.functions.status(handle)).limits.callsAtOnce).toBe(2);
  });
});

describe('a partition', () => {
  test('is Unavailable while it lasts, health says so within 2 s, and calls that went on are found', async () => {
    const under = await platform();
    const handle = await deploy(under);
    await predict(under.functions, handle);
    const said = await predict(under.functions, handle, { text: 'far', sleepMs: 2000 }, 900);
    if (said.kind !== 'TICKET') throw new Error('it was answered');
    under.fake.faults.isPartitioned = true;
    expect(await kindOf(() => under.functions.result(handle, said.ticket))).toBe('Unavailable');
    expect(await kindOf(() => under.functions.status(handle))).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    under.fake.faults.isPartitioned = false;
    let seen = await under.functions.result(handle, said.ticket);
    for (const limit = soon(); seen === null && !limit.aborted;) {
      await new Promise((next) => setTimeout(next, 30));
      seen = await under.functions.result(handle, said.ticket);
    }
    if (seen?.kind !== 'ANSWER') throw new Error('it was not answered');
    expect(predictedIn(seen).text).toBe('far');
  });

  test('a platform that hangs is unreachable within 2 s', async () => {
    const under = await platform();
    const kind = { is: 'SLOW', milliseconds: 2500 } as const;
    under.fake.faults.add({ method: 'GET', path: '/', times: 9, kind });
    const began = performance.now();
    expect(await under.backend.health()).toMatchObject({
      reachable: false,
      message: 'OpenWhisk did not answer within 2 s.',
    });
    expect(performance.now() - began).toBeLessThan(2500);
  });

  test('a platform that is not there is tried again, and then Unavailable', async () => {
    const under = await platform();
    const handle = await deploy(under);
    const other = await under.again({ apiHost: 'http://127.0.0.1:1' });
    const { functions } = other;
    if (functions === null) throw new Error('it has no functions');
    expect(await kindOf(() => predict(functions, handle))).toBe('Unavailable');
    expect(await other.health()).toMatchObject({ reachable: false });
    await other.close();
  });
});

describe('a call that the platform does not wait for', () => {
  test('becomes a ticket after its 60 s, and an answer when it has ended', async () => {
    const under = await platform();
    const handle = await deploy(under);
    await predict(under.functions, handle);
    const call = predict(under.functions, handle, { text: 'slow', sleepMs: 2500 }, 200_000);
    await new Promise((next) => setTimeout(next, 800));
    expect(posts(under)).toBe(2);
    under.fake.clock.advance(60_001);
    const said = await call;
    if (said.kind !== 'TICKET') throw new Error('it was answered');
    expect(await under.functions.result(handle, said.ticket)).toBeNull();
    let seen = await under.functions.result(handle, said.ticket);
    for (const limit = soon(); seen === null && !limit.aborted;) {
      await new Promise((next) => setTimeout(next, 30));
      seen = await under.functions.result(handle, said.ticket);
    }
    expect(seen).toMatchObject({ kind: 'ANSWER', start: { cold: false } });
  });

  test('is LOST, with the evidence, when its record cannot come any more', async () => {
    const settings = { pullLimitSeconds: 1, callTimeoutSeconds: 0.2 };
    const under = await platform(settings);
    const handle = await deploy(under);
    const longAgo = Date.now() - 62_000;
    const ticket = `${'ab'.repeat(16)}.${longAgo}`;
    const seen = await under.functions.result(handle, ticket);
    expect(seen).toMatchObject({ kind: 'LOST' });
    expect(seen?.kind === 'LOST' && seen.message).toMatch(/no record of activation abab/);
    const justNow = `${'ab'.repeat(16)}.${Date.now()}`;
    expect(await under.functions.result(handle, justNow)).toBeNull();
  });

  test('is LOST at once where no records are kept', async () => {
    const under = await platform({}, { limits: { storeActivations: false } });
    const handle = await deploy(under);
    const said = await predict(under.functions, handle, { sleepMs: 2000 }, 900);
    if (said.kind !== 'TICKET') throw new Error('it was answered');
    expect(await under.functions.result(handle, said.ticket)).toMatchObject({
      kind: 'LOST',
      message: expect.stringMatching(/keeps no records/),
    });
  });

  test('a record that comes late is waited for, and its log is not missed', async () => {
    const under = await platform({}, { recordDelayMs: 300 });
    const handle = await deploy(under);
    await predict(under.functions, handle, { print: 'late' });
    expect(await printed(under.functions, handle)).toEqual([]);
    const deadline = Date.now() + 10_000;
    let texts: readonly string[] = [];
    while (texts.length === 0 && Date.now() < deadline) {
      await new Promise((next) => setTimeout(next, 50));
      texts = (await printed(under.functions, handle)).map(({ text }) => text);
    }
    expect(texts).toEqual(['late']);
  });
});

describe('containers that are no modules', () => {
  test('errors of each kind are told apart by what the activation says', async () => {
    const under = await platform();
    const handle = await plain(under);
    const outcomes: Record<string, unknown> = {};
    const queries = [
      'error=own',
      'status=502&error=broken',
      'text=%3Chtml%3E',
      'chunked',
      'exit=3',
    ];
    for (const query of [...queries, 'json=[1]', 'json={"a":1}']) {
      const { kind, message } = await errorOf(() => get(under.functions, handle, `/?${query}`));
      outcomes[query] = `${kind}: ${message.slice(0, 60)}`;
    }
    expect(outcomes).toEqual({
      'error=own': 'Unexpected: The function failed: own',
      'status=502&error=broken': 'Unexpected: The container of the function failed: broken',
      'text=%3Chtml%3E': 'Unexpected: The container of the function failed: The action did not pro',
      chunked: 'Unexpected: The container of the function failed: The action did not pro',
      'exit=3': 'Unexpected: The container of the function failed: The action did not pro',
      'json=[1]': 'Unexpected: OpenWhisk answered with no activation.',
      'json={"a":1}': 'Unexpected: The function answered with something that is no HTTP respons',
    });
  });

  test('an image that is not there is said to be', async () => {
    const under = await platform();
    const source = { kind: 'IMAGE', image: 'absent/image:1' } as const;
    const program = { kind: 'MODULE', module: { slug: 'm', source }, operation: 'serve' } as const;
    const options = { key: newKey(), signal: soon() };
    const handle = await under.functions.deploy(service(program), options);
    const error = await errorOf(() =>
      under.functions.warm(handle, 2, { deadline: Date.now() + 9000 }),
    );
    expect(error.kind).toBe('Unexpected');
    expect(error.message).toContain("Failed to pull container image 'absent/image:1'");
  });
});

describe('files of a deployment', () => {
  const inputs = async (under: OpenWhiskUnderTest) => {
    if (under.blob === null) throw new Error('there are no deliveries');
    return [await under.blob('artifact/weights.txt', 'trained')];
  };

  test('are Unsupported where nobody could fetch them', async () => {
    const under = await platform();
    const alone = await under.again({}, true);
    const workload = service(under.program, {
      inputs: await inputs(under),
      artifactFolder: 'artifact',
    });
    const options = { key: newKey(), signal: soon() };
    const plan = (): Promise<unknown> => alone.plan({ kind: 'SERVICE', workload }, options.key);
    expect(await kindOf(plan)).toBe('Unsupported');
    expect(await kindOf(async () => alone.functions?.deploy(workload, options))).toBe(
      'Unsupported',
    );
    expect(under.fake.actions.size).toBe(0);
    await alone.close();
  });

  test('that cannot be had are said by the container, and released files open nothing', async () => {
    const under = await platform();
    const workload = service(under.program, {
      inputs: await inputs(under),
      artifactFolder: 'artifact',
    });
    const options = { key: newKey(), signal: soon() };
    const handle = await under.functions.deploy(workload, options);
    const [action] = under.fake.actions.values();
    const given = Object.fromEntries(
      (action?.parameters ?? []).map(({ key, value }) => [key, String(value)]),
    );
    const authorization = `Bearer ${given['FATHOM_DELIVERY_TOKEN']}`;
    const manifest = `${given['FATHOM_DELIVERY_URL']}/manifest`;
    const asked = (): Promise<Response> => fetch(manifest, { headers: { authorization } });
    expect((await asked()).status).toBe(200);
    await under.dock.deliveries.release(options.key);
    const error = await errorOf(() => get(under.functions, handle, '/'));
    expect(error.kind).toBe('Unexpected');
    expect(error.message).toMatch(/container of the function failed/);
    await under.backend.release(handle);
    expect((await asked()).status).toBeGreaterThanOrEqual(400);
  });

  test('stand in no plan with what opens them', async () => {
    const under = await platform();
    const workload = service(under.program, { inputs: await inputs(under) });
    const [request] = await under.backend.plan({ kind: 'SERVICE', workload }, newKey());
    expect(request?.text).toContain('"FATHOM_DELIVERY_TOKEN",\n      "value": "***"');
  });
});
