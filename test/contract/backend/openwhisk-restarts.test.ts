import { afterEach, describe, expect, test } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { Answered, FunctionRunner, Lost } from '../../../backends/contract/function-runner.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import { json, predictedIn, predictPath } from './functions-under-test.ts';
import type { OpenWhiskUnderTest } from './openwhisk-under-test.ts';
import { openOpenWhisk } from './openwhisk-under-test.ts';
import { chunks, kindOf, newKey, service, soon } from './under-test.ts';

const open: OpenWhiskUnderTest[] = [];
afterEach(async () => {
  for (const under of open.splice(0)) await under.destroy();
});

async function platform(settings: object = {}): Promise<OpenWhiskUnderTest> {
  const under = await openOpenWhisk(settings);
  open.push(under);
  return under;
}

function deploy(under: OpenWhiskUnderTest, key = newKey()): Promise<Handle> {
  return under.functions.deploy(service(under.program), { key, signal: soon() });
}

function invoke(functions: FunctionRunner, handle: Handle, body: object, milliseconds: number) {
  const bytes = Buffer.from(JSON.stringify(body));
  const request = { method: 'POST', path: predictPath, headers: json, body: bytes } as const;
  return functions.invoke(handle, request, { deadline: Date.now() + milliseconds });
}

async function predict(under: OpenWhiskUnderTest, handle: Handle, body = {}): Promise<Answered> {
  const said = await invoke(under.functions, handle, body, 20_000);
  if (said.kind !== 'ANSWER') throw new Error('it became a ticket');
  return said;
}

/** Of a call that takes longer than anybody waits. */
async function ticketOf(under: OpenWhiskUnderTest, handle: Handle, body: object): Promise<string> {
  const said = await invoke(under.functions, handle, body, 900);
  if (said.kind !== 'TICKET') throw new Error('it was answered');
  return said.ticket;
}

async function outcome(
  under: OpenWhiskUnderTest,
  handle: Handle,
  ticket: string,
): Promise<Answered | Lost> {
  for (const limit = soon(); !limit.aborted;) {
    const seen = await under.functions.result(handle, ticket);
    if (seen !== null) return seen;
    await new Promise((next) => setTimeout(next, 30));
  }
  throw new Error('it never ended');
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

const isBusy = (under: OpenWhiskUnderTest) =>
  expect.poll(() => under.fake.pool.states, { timeout: 20_000 }).toContain('BUSY');

describe('a platform that is stopped and started again', () => {
  test('costs nothing that was deployed: the call it cut off is not sent again, and the next is answered', async () => {
    const under = await platform();
    const key = newKey();
    const handle = await deploy(under, key);
    await predict(under, handle);
    await under.settled();
    const { revision } = await under.functions.status(handle);
    const cut = kindOf(() => predict(under, handle, { sleepMs: 1500 }));
    await isBusy(under);
    const before = posts(under);
    await under.fake.stop();
    expect(await cut).toBe('Unavailable');
    const late = newKey();
    expect(await kindOf(() => predict(under, handle))).toBe('Unavailable');
    expect(await kindOf(() => under.functions.status(handle))).toBe('Unavailable');
    expect(await kindOf(() => deploy(under, late))).toBe('Unavailable');
    expect(await kindOf(() => under.backend.release(handle))).toBe('Unavailable');
    expect((await under.backend.health()).reachable).toBe(false);
    await under.fake.startAgain();
    expect((await under.backend.health()).reachable).toBe(true);
    expect((await under.functions.status(handle)).revision).toBe(revision);
    expect(await deploy(under, key)).toEqual(handle);
    expect((await predict(under, handle)).response.status).toBe(200);
    expect(posts(under)).toBe(before + 1);
    const other = await deploy(under, late);
    expect((await under.functions.status(other)).phase).toBe('READY');
    expect(under.fake.actions.size).toBe(2);
  });

  test('answers the tickets that it gave before', async () => {
    const under = await platform();
    const handle = await deploy(under);
    await predict(under, handle);
    const ticket = await ticketOf(under, handle, { text: 'far', sleepMs: 2000 });
    await under.fake.stop();
    expect(await kindOf(() => under.functions.result(handle, ticket))).toBe('Unavailable');
    await under.fake.startAgain();
    const seen = await outcome(under, handle, ticket);
    expect(seen.kind === 'ANSWER' && predictedIn(seen).text).toBe('far');
  });

  test('is waited for by a call of that moment, which is sent once', async () => {
    const under = await platform();
    const handle = await deploy(under);
    // It has no connection yet, and tries one that is refused again a quarter of this later.
    const other = await under.again({ paceMs: 8000 });
    const { functions } = other;
    if (functions === null) throw new Error('it has no functions');
    const before = posts(under);
    await under.fake.stop();
    const call = invoke(functions, handle, {}, 20_000);
    await new Promise((next) => setTimeout(next, 200));
    await under.fake.startAgain();
    expect((await call).kind).toBe('ANSWER');
    expect(posts(under) - before).toBe(1);
    await other.close();
  });

  test('and has forgotten everything: that is said, and the same key makes it anew', async () => {
    const under = await platform();
    const key = newKey();
    const handle = await deploy(under, key);
    await predict(under, handle);
    const ticket = await ticketOf(under, handle, { sleepMs: 2000 });
    await under.fake.stop();
    await under.fake.forget();
    await under.fake.startAgain();
    const request = { method: 'GET', path: '/', headers: {}, body: null } as const;
    const deadline = Date.now() + 5000;
    for (const work of [
      () => under.functions.status(handle),
      () => under.functions.result(handle, ticket),
      () => under.functions.invoke(handle, request, { deadline }),
    ]) {
      expect(await kindOf(work)).toBe('NotFound');
    }
    expect(await deploy(under, key)).toEqual(handle);
    expect((await predict(under, handle)).start.cold).toBe(true);
  });
});

describe('what runs a function', () => {
  test('is killed: the call says so, and the next one has a container of its own', async () => {
    const under = await platform();
    const handle = await deploy(under);
    const { instance } = predictedIn(await predict(under, handle));
    await under.settled();
    const cut = errorOf(() => predict(under, handle, { sleepMs: 20_000 }));
    await isBusy(under);
    under.containers.kill();
    expect(await cut).toMatchObject({
      kind: 'Unexpected',
      message: expect.stringContaining('exited unexpectedly') as string,
    });
    await under.settled();
    const next = await predict(under, handle);
    expect(next.start.cold).toBe(true);
    expect(predictedIn(next).instance).not.toBe(instance);
  });

  test('is a node that fails: calls are refused for now, and what it took with it is LOST, with the evidence', async () => {
    const under = await platform({ pullLimitSeconds: 1, callTimeoutSeconds: 5 });
    const handle = await deploy(under);
    await predict(under, handle);
    const ticket = await ticketOf(under, handle, { sleepMs: 2000 });
    await under.fake.pool.loseNode();
    expect((await under.functions.status(handle)).phase).toBe('READY');
    const before = posts(under);
    expect(await errorOf(() => predict(under, handle))).toMatchObject({
      kind: 'Unavailable',
      temporary: true,
    });
    expect(posts(under) - before).toBe(1);
    // It may still be running, for all that anybody can see.
    expect(await under.functions.result(handle, ticket)).toBeNull();
    const longAgo = ticket.replace(/\d+$/, String(Date.now() - 72_000));
    const [id = ''] = ticket.split('.');
    expect(await under.functions.result(handle, longAgo)).toMatchObject({
      kind: 'LOST',
      message: expect.stringContaining(`no record of activation ${id}`) as string,
    });
    under.fake.pool.isNodeAway = false;
    expect((await predict(under, handle)).start.cold).toBe(true);
  });
});

describe('what nobody has heard of', () => {
  const answers = (under: OpenWhiskUnderTest, method: string, document: unknown, code = 200) =>
    under.fake.faults.add({
      ...{ method, path: '/namespaces/', times: 1 },
      kind: { is: 'DOCUMENT', code, document },
    });

  test('is told in its own words when a call ends so, and never taken for an answer', async () => {
    const under = await platform();
    const handle = await deploy(under);
    const record = { activationId: 'ab'.repeat(16), name: 'x', annotations: [] };
    const ends = [
      [502, { status: 'evicted by the moon', result: { error: 'gone' } }, 'evicted by the moon'],
      [200, { status: 'success', result: { statusCode: 1e9, body: '' } }, '1000000000'],
      [200, { status: 'success', result: { statusCode: 200.5, body: '' } }, '200.5'],
      [200, { status: ['success'], result: {} }, '["success"]'],
    ] as const;
    for (const [code, response, words] of ends) {
      answers(under, 'POST', { ...record, response }, code);
      const error = await errorOf(() => predict(under, handle));
      expect(error).toMatchObject({
        kind: 'Unexpected',
        message: expect.stringContaining(words) as string,
      });
    }
    expect((await predict(under, handle)).response.status).toBe(200);
  });

  test('about an action is no verdict about it: the next look finds it as it was', async () => {
    const under = await platform();
    const key = newKey();
    const handle = await deploy(under, key);
    for (const document of [{}, [], { version: 7, exec: 'x' }, 'moved']) {
      for (const work of [() => under.functions.status(handle), () => deploy(under, key)]) {
        answers(under, 'GET', document);
        expect({ document, kind: await kindOf(work) }).toEqual({ document, kind: 'Unavailable' });
      }
    }
    expect((await under.functions.status(handle)).phase).toBe('READY');
    expect(await deploy(under, key)).toEqual(handle);
  });

  test('in a list of records ends a log, and not our patience', async () => {
    const under = await platform();
    const handle = await deploy(under);
    const page = Array.from({ length: 200 }, (_, at) => ({
      activationId: at.toString(16).padStart(32, '0'),
      start: 'soon',
      end: null,
    }));
    const kind = { is: 'DOCUMENT', code: 200, document: page } as const;
    under.fake.faults.add({ method: 'GET', path: '/activations?', times: 50, kind });
    expect(await chunks(under.functions, handle)).toEqual([]);
    const lists = under.fake.requests.filter((request) => request.includes('/activations?'));
    expect(lists.length).toBeLessThan(4);
  });
});
