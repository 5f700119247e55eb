import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { modes, startMode } from './modes.ts';
import type { RunningMode } from './modes.ts';
import { RawClient } from './socket-client.ts';

describe.each(modes)('graphql-transport-ws, %s', (mode) => {
  let running: RunningMode;
  const clients: RawClient[] = [];
  const connect = (
    ...more: ConstructorParameters<typeof RawClient> extends [string, ...infer R] ? R : never
  ) => {
    const client = new RawClient(running.url, ...more);
    clients.push(client);
    return client;
  };
  beforeAll(async () => {
    running = await startMode(mode, {
      limits: { operationsPerSocket: 3 },
      admit: async ({ headers }) => {
        if (headers['authorization'] === 'Bearer expired') throw new Error('no');
      },
      introspection: false,
    });
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.socket.terminate();
  });
  afterAll(() => running.close());

  it('closes with 4408 when nothing is said in time', async () => {
    // A server of its own: so short a time would now and then be over for those who do say something.
    const hasty = await startMode(mode, { limits: { connectionInitMs: 150 } });
    try {
      expect(await new RawClient(hasty.url).closed).toMatchObject({ code: 4408 });
    } finally {
      await hasty.close();
    }
  });
  it('closes with 4429 at a second init', async () => {
    const client = await connect().init();
    client.send({ type: 'connection_init' });
    expect(await client.closed).toMatchObject({ code: 4429 });
  });
  it('closes with 4401 at a subscription before init', async () => {
    const client = await connect().open();
    client.subscribe('1', '{ who }');
    expect(await client.closed).toMatchObject({ code: 4401 });
  });
  it('closes with 4409 when an id is used twice', async () => {
    const client = await connect().init();
    client.subscribe('1', 'subscription { silence }');
    client.subscribe('1', 'subscription { silence }');
    expect(await client.closed).toMatchObject({ code: 4409 });
  });
  it.each([
    'not json',
    '{"type":"unheard of"}',
    '{"id":"1"}',
    '{"type":"next","id":"1","payload":{}}',
    '{"type":"ping","payload":{"__proto__":{}}}',
  ])('closes with 4400 at %s', async (message) => {
    const client = await connect().init();
    client.send(message);
    expect(await client.closed).toMatchObject({ code: 4400 });
  });
  it('closes with 4406 for another protocol', async () => {
    const client = connect('graphql-ws');
    const refused = await Promise.race([
      client.closed.then(({ code }) => code),
      new Promise((resolve) => client.socket.once('unexpected-response', resolve)),
    ]);
    expect([4406, 1006]).toContain(refused);
  });
  it('closes with 4403 when init is refused', async () => {
    const client = await connect().open();
    client.send({ type: 'connection_init', payload: { authorization: 'Bearer expired' } });
    expect(await client.closed).toMatchObject({ code: 4403 });
  });
  it('closes with 1009 at a message that is too large', async () => {
    const client = await connect().init();
    client.send(`{"type":"ping","payload":{"x":"${'x'.repeat(2_000_000)}"}}`);
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  it('answers a ping', async () => {
    const client = await connect().init();
    client.send({ type: 'ping', payload: { at: 1 } });
    expect(await client.until((it) => it.type === 'pong')).toEqual({
      type: 'pong',
      payload: { at: 1 },
    });
  });
  it.each([
    ['a syntax error', 'subscription {', /Syntax Error/u],
    ['an unknown field', 'subscription { nothing }', /Cannot query field "nothing"/u],
    ['a missing variable', 'subscription ($n: Int!) { ticks(upTo: $n) }', /\$n/u],
    ['two root fields', 'subscription { silence refused }', /only one/u],
    ['a subscription that its source refuses', 'subscription { refused }', /Not yet/u],
    ['introspection when it is off', '{ __schema { queryType { name } } }', /introspection/iu],
  ])('answers %s on its id and stays open', async (_name, query, message) => {
    const client = await connect().init();
    client.subscribe('a', query);
    const answer = await client.until((it) => it.id === 'a');
    expect(answer.type).toBe('error');
    const [error] = answer.payload as { message: string; extensions: Record<string, unknown> }[];
    expect(error?.message).toMatch(message);
    expect(Object.keys(error?.extensions ?? {}).toSorted()).toEqual([
      'code',
      'requestId',
      'retryAfterMs',
      'retryable',
    ]);
    client.subscribe('b', '{ who }');
    expect(await client.until((it) => it.type === 'next' && it.id === 'b')).toMatchObject({
      payload: { data: { who: 'nobody' } },
    });
  });
  it('suggests no names when introspection is off', async () => {
    const client = await connect().init();
    client.subscribe('a', '{ modul { id } }');
    expect(JSON.stringify(await client.until((it) => it.id === 'a'))).not.toContain('Did you mean');
  });
  it('takes the credential from init', async () => {
    const client = await connect().init({ authorization: 'Bearer mine' });
    client.subscribe('a', '{ who }');
    expect(await client.until((it) => it.id === 'a')).toMatchObject({
      payload: { data: { who: 'Bearer mine' } },
    });
  });
  it('delivers events with joins, in order, then completes', async () => {
    const client = await connect().init();
    client.subscribe(
      'a',
      'subscription { runEvents(id: "run_1", after: 2, upTo: 5) { sequence run { module { title } } } }',
    );
    await client.until((it) => it.type === 'complete');
    const events = client.received
      .filter((it) => it.type === 'next')
      .map((it) => JSON.stringify(it.payload));
    expect(events).toEqual(
      [3, 4, 5].map((sequence) =>
        JSON.stringify({ data: { runEvents: { sequence, run: { module: { title: 'digits' } } } } }),
      ),
    );
  });
  it('sees what changed between two events', async () => {
    const { modules } = running.toys;
    const row = modules.get('mod_1');
    let reads = 0;
    modules.set('mod_1', {
      id: 'mod_1',
      related: [],
      get title() {
        return `read ${(reads += 1)}`;
      },
    });
    const client = await connect().init();
    client.subscribe(
      'a',
      'subscription { runEvents(id: "run_1", upTo: 2) { run { module { title } } } }',
    );
    await client.until((it) => it.type === 'complete');
    const titles = client.received.flatMap((it) => JSON.stringify(it).match(/read \d+/u) ?? []);
    expect(new Set(titles).size).toBe(2);
    if (row !== undefined) modules.set('mod_1', row);
  });
  it('refuses one operation more than a socket may carry, on its id', async () => {
    const client = await connect().init();
    for (const id of ['1', '2', '3', '4']) client.subscribe(id, 'subscription { silence }');
    const refused = await client.until((it) => it.type === 'error');
    expect(refused).toMatchObject({
      id: '4',
      payload: [{ extensions: { code: 'QUOTA_EXCEEDED' } }],
    });
    expect(running.toys.open.readers).toBeLessThanOrEqual(3);
  });
  it('closes sources at once when a client completes, or vanishes', async () => {
    await until(() => running.toys.open.readers === 0);
    const [polite, rude] = [await connect().init(), await connect().init()];
    polite.subscribe('1', 'subscription { silence }');
    rude.subscribe('1', 'subscription { silence }');
    await until(() => running.toys.open.readers === 2);
    polite.send({ type: 'complete', id: '1' });
    await until(() => running.toys.open.readers === 1);
    rude.socket.terminate();
    await until(() => running.toys.open.readers === 0);
    expect(polite.socket.readyState).toBe(polite.socket.OPEN);
  });
  it('pulls no more than a bounded number of events for a reader that does not read', async () => {
    const client = await connect().init();
    running.toys.open.pulled = 0;
    client.socket.pause();
    client.subscribe('1', 'subscription { ticks(upTo: 1500, bytes: 20000) }');
    let pulled = -1;
    // Until it stands still: the buffers of two sockets are full.
    while (pulled !== running.toys.open.pulled || pulled === 0) {
      pulled = running.toys.open.pulled;
      await delay(300);
    }
    expect(pulled).toBeLessThan(1400);
    client.socket.resume();
    await client.until((it) => it.type === 'complete');
    const ticks = client.received.filter((it) => it.type === 'next');
    expect(ticks).toHaveLength(1500);
    expect(
      ticks.map((it) =>
        Number.parseInt((it.payload as { data: { ticks: string } }).data.ticks, 10),
      ),
    ).toEqual(Array.from({ length: 1500 }, (_unused, at) => at));
  });
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
