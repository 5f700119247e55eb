import { afterEach, describe, expect, test } from 'vitest';
import { type Client, createClient } from '../../../codegen/client/client.ts';
import { ConnectionError, FathomApiError, GapError } from '../../../codegen/client/errors.ts';
import type { Reconnection } from '../../../codegen/client/resume.ts';
import type { TypedDocument } from '../../../codegen/client/typed-document.ts';
import {
  type Script,
  type ScriptedServer,
  startScriptedServer,
  type Step,
} from './scripted-server.ts';

type Events = TypedDocument<
  { events: { sequence: number } },
  { id: string; after?: number | null | undefined }
>;
const events =
  'subscription Events($id: ID!, $after: Int) { events(id: $id, after: $after) { sequence } }' as Events;
const lines =
  'subscription Lines($id: ID!, $after: Int) { lines(id: $id, after: $after) { offset } }' as TypedDocument<
    { lines: { offset: number } },
    { id: string; after?: number }
  >;
const clock = 'subscription Clock { clock { at } }' as TypedDocument<
  { clock: { at: number } },
  Record<string, never>
>;

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function serve(script: Script, port?: number): Promise<ScriptedServer> {
  const server = await startScriptedServer({ script, ...(port !== undefined && { port }) });
  open.push(() => server.stop());
  return server;
}

/** Steps for entries behind `after` up to `to`. */
function* entries(after: unknown, to: number): Generator<Step> {
  for (let sequence = Number(after) + 1; sequence <= to; sequence++) {
    yield { next: { data: { events: { sequence } } } };
  }
}

for (const transport of ['ws', 'sse'] as const) {
  describe(`over ${transport}`, () => {
    const reconnections: Reconnection[] = [];

    function connect(url: string, more: object = {}): Client {
      reconnections.length = 0;
      const client = createClient({
        url,
        transport,
        retry: { subscriptions: { initialMs: 1, maximumMs: 5, attempts: 20 } },
        onReconnect: (reconnection) => reconnections.push(reconnection),
        ...more,
      });
      open.push(() => client.close());
      return client;
    }

    async function sequencesOf(client: Client, after?: number): Promise<number[]> {
      const seen: number[] = [];
      const variables = after === undefined ? { id: 'run' } : { id: 'run', after };
      for await (const { events: event } of client.subscribe(events, variables)) {
        seen.push(event.sequence);
      }
      return seen;
    }

    test('entries come in order and the end of the server is the end', async () => {
      const server = await serve(function* ({ variables }) {
        yield* entries(variables['after'], 5);
        yield 'complete';
      });
      expect(await sequencesOf(connect(server.url))).toEqual([1, 2, 3, 4, 5]);
      expect(server.asked.map(({ variables }) => variables)).toEqual([{ id: 'run', after: 0 }]);
    });

    test('a connection cut in the middle is resumed behind the last entry', async () => {
      const server = await serve(function* ({ variables }, turn) {
        yield* entries(variables['after'], 4 * (turn + 1));
        yield turn < 3 ? 'cut' : 'complete';
      });
      expect(await sequencesOf(connect(server.url), 2)).toEqual(
        Array.from({ length: 14 }, (_, i) => i + 3),
      );
      expect(server.asked.map(({ variables }) => variables['after'])).toEqual([2, 4, 8, 12]);
      expect(reconnections).toHaveLength(3);
      expect(reconnections[0]?.error).toBeInstanceOf(ConnectionError);
    });

    test('a server that goes away in good order is waited for', async () => {
      const server = await serve(function* ({ variables }, turn) {
        yield* entries(variables['after'], turn + 1);
        yield turn < 4 ? { close: 1001 } : 'complete';
      });
      expect(await sequencesOf(connect(server.url))).toEqual([1, 2, 3, 4, 5]);
    });

    test('a server that is down for a while is found again at its address', async () => {
      const first = await startScriptedServer({
        *script({ variables }) {
          yield* entries(variables['after'], 3);
          yield 'silence';
        },
      });
      const client = connect(first.url, {
        retry: { subscriptions: { initialMs: 5, maximumMs: 20, attempts: 200 } },
      });
      const seen: number[] = [];
      for await (const { events: event } of client.subscribe(events, { id: 'run' })) {
        seen.push(event.sequence);
        if (event.sequence !== 3) continue;
        await first.stop();
        setTimeout(() => {
          void serve(function* ({ variables }) {
            yield* entries(variables['after'], 6);
            yield 'complete';
          }, first.port);
        }, 100);
      }
      expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
    });

    test('entries that come twice are delivered once', async () => {
      const server = await serve(function* (_, turn) {
        yield* entries(0, turn === 0 ? 3 : 5);
        yield* entries(1, 3);
        yield turn === 0 ? 'cut' : 'complete';
      });
      expect(await sequencesOf(connect(server.url))).toEqual([1, 2, 3, 4, 5]);
    });

    test('a missing entry is asked for again before anything later is delivered', async () => {
      const server = await serve(function* ({ variables }, turn) {
        yield* entries(variables['after'], 2 + turn);
        if (turn === 0) yield { next: { data: { events: { sequence: 5 } } } };
        else yield* entries(2 + turn, 6);
        yield 'complete';
      });
      expect(await sequencesOf(connect(server.url))).toEqual([1, 2, 3, 4, 5, 6]);
      expect(reconnections.map(({ error }) => error)).toEqual([expect.any(GapError)]);
      expect(server.asked.at(-1)?.variables['after']).toBe(2);
    });

    test('a hole that stays is thrown, not jumped over', async () => {
      const server = await serve(function* () {
        yield* entries(0, 2);
        yield* entries(3, 5);
        yield 'complete';
      });
      const reading = sequencesOf(connect(server.url));
      await expect(reading).rejects.toThrow(new GapError(2, 4).message);
    });

    test('offsets are resumed as sequences are', async () => {
      const server = await serve(function* ({ variables }, turn) {
        const after = Number(variables['after']);
        yield { next: { data: { lines: { offset: after + 1 } } } };
        yield turn < 2 ? 'cut' : 'complete';
      });
      const seen: number[] = [];
      for await (const data of connect(server.url).subscribe(lines, { id: 'run' })) {
        seen.push(data.lines.offset);
      }
      expect(seen).toEqual([1, 2, 3]);
    });

    test('a refusal that will stay is thrown with its code', async () => {
      const server = await serve(() => [
        {
          errors: [
            {
              message: 'There is no such run.',
              extensions: { code: 'NOT_FOUND', retryable: false, requestId: 'req_1' },
            },
          ],
        },
        'complete',
      ]);
      const refusal = await sequencesOf(connect(server.url)).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(FathomApiError);
      expect(refusal).toMatchObject({
        name: 'NotFoundError',
        code: 'NOT_FOUND',
        requestId: 'req_1',
        message: 'There is no such run.',
      });
      expect(server.asked).toHaveLength(1);
    });

    test('a refusal that will pass is waited out', async () => {
      const server = await serve(function* ({ variables }, turn) {
        if (turn % 2 === 0) yield* entries(variables['after'], turn + 2);
        if (turn < 3) {
          const extensions = { code: 'SHUTTING_DOWN', retryable: true, retryAfterMs: 2 };
          yield { next: { errors: [{ message: 'Stopping.', extensions }] } };
        }
        yield 'complete';
      });
      const seen = await sequencesOf(connect(server.url));
      expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i + 1));
      expect(server.asked.length).toBeGreaterThanOrEqual(4);
    });

    test('without a cursor a loss is thrown, since nobody knows what was missed', async () => {
      const server = await serve(function* () {
        yield { next: { data: { clock: { at: 1 } } } };
        yield { wait: new Promise((resolve) => setTimeout(resolve, 20)) };
        yield 'cut';
      });
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        for await (const data of connect(server.url).subscribe(clock, {})) seen.push(data.clock.at);
      };
      await expect(read()).rejects.toThrow(ConnectionError);
      expect(seen).toEqual([1]);
    });

    test('a server that never comes is given up after the agreed number of tries', async () => {
      const server = await startScriptedServer({});
      await server.stop();
      const client = connect(server.url, {
        retry: { subscriptions: { initialMs: 1, maximumMs: 2, attempts: 5 } },
      });
      await expect(sequencesOf(client)).rejects.toThrow(ConnectionError);
      expect(reconnections).toHaveLength(4);
    });

    test('an aborted signal ends the reading with its reason', async () => {
      const server = await serve(function* ({ variables }) {
        yield* entries(variables['after'], 2);
        yield 'silence';
      });
      const controller = new AbortController();
      const client = connect(server.url);
      const seen: number[] = [];
      const read = async (): Promise<void> => {
        const { signal } = controller;
        for await (const { events: event } of client.subscribe(events, { id: 'run' }, { signal })) {
          seen.push(event.sequence);
          if (event.sequence === 2) setTimeout(() => controller.abort(new Error('enough')), 5);
        }
      };
      await expect(read()).rejects.toThrow('enough');
      expect(seen).toEqual([1, 2]);
    });

    test('leaving the loop tells the server, even while an entry is awaited', async () => {
      const server = await serve(function* ({ variables }) {
        yield* entries(variables['after'], 1);
        yield 'silence';
      });
      const iterator = connect(server.url).subscribe(events, { id: 'run' });
      await iterator.next();
      const waiting = iterator.next();
      await iterator.return?.();
      expect(await waiting).toEqual({ done: true, value: undefined });
      await expect.poll(() => server.ended).toBe(1);
    });

    test('a slow reader loses nothing', async () => {
      const server = await serve(function* ({ variables }) {
        yield* entries(variables['after'], 5_000);
        yield 'complete';
      });
      let expected = 0;
      for await (const { events: event } of connect(server.url).subscribe(events, { id: 'run' })) {
        expected += 1;
        if (event.sequence !== expected) break;
        if (expected % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      expect(expected).toBe(5_000);
    });

    test('a connection without a sign of life is replaced', async () => {
      const server = await serve(function* ({ variables }, turn) {
        yield* entries(variables['after'], turn + 1);
        yield turn === 0 ? 'silence' : 'complete';
      });
      const seen = await sequencesOf(connect(server.url, { silenceMs: 60 }));
      expect(seen).toEqual([1, 2]);
    });

    test('headers go along with every subscription', async () => {
      const server = await serve(() => ['complete']);
      let calls = 0;
      const headers = () => ({ authorization: `Bearer ${++calls}` });
      const client = connect(server.url, { headers });
      await sequencesOf(client);
      expect(server.asked[0]?.headers).toMatchObject({ authorization: 'Bearer 1' });
    });

    test('a closed client ends its subscriptions with a sentence', async () => {
      const server = await serve(() => ['silence']);
      const client = connect(server.url);
      const reading = sequencesOf(client);
      await expect.poll(() => server.asked.length).toBe(1);
      client.close();
      await expect(reading).rejects.toThrow('The client was closed.');
    });
  });
}

describe('over one WebSocket', () => {
  test('many subscriptions share it and survive its loss together', async () => {
    const server = await serve(function* ({ variables }, turn) {
      yield* entries(variables['after'], turn < 20 ? 2 : 4);
      yield turn < 20 ? 'silence' : 'complete';
    });
    const client = createClient({
      url: server.url,
      retry: { subscriptions: { initialMs: 5, maximumMs: 10 } },
    });
    open.push(() => client.close());
    let both = 0;
    const all = Array.from({ length: 20 }, async () => {
      const seen: number[] = [];
      for await (const { events: event } of client.subscribe(events, { id: 'run' })) {
        seen.push(event.sequence);
        if (event.sequence === 2) both += 1;
        if (both === 20 && event.sequence === 2) {
          await server.stop();
          await serve(function* ({ variables }) {
            yield* entries(variables['after'], 4);
            yield 'complete';
          }, server.port);
        }
      }
      return seen;
    });
    for (const seen of await Promise.all(all)) expect(seen).toEqual([1, 2, 3, 4]);
    expect(server.sockets).toBe(1);
  });

  test('a close that calls itself normal is a loss all the same', async () => {
    const server = await serve(function* ({ variables }, turn) {
      yield* entries(variables['after'], turn + 2);
      yield turn < 2 ? { close: 1000 } : 'complete';
    });
    const client = createClient({ url: server.url, retry: { subscriptions: { initialMs: 1 } } });
    open.push(() => client.close());
    const seen: number[] = [];
    for await (const data of client.subscribe(events, { id: 'run' }))
      seen.push(data.events.sequence);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(server.asked).toHaveLength(3);
  });

  test('a close for good is not tried again', async () => {
    const server = await serve(() => [{ close: 4403 }]);
    const client = createClient({ url: server.url });
    open.push(() => client.close());
    const reading = client.subscribe(events, { id: 'run' }).next();
    await expect(reading).rejects.toMatchObject({ closeCode: 4403, retryable: false });
    expect(server.asked).toHaveLength(1);
  });
});
