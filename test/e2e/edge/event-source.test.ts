import { request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-sse';
import { buildSchema } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventStream } from '../../../gateway/event-stream.ts';
import type { GraphRequest, ResultStream } from '../../../gateway/executor.ts';
import { startEdge } from './edges.ts';
import { modes, startMode } from './modes.ts';
import type { RunningMode } from './modes.ts';

describe.each(modes)('server-sent events, %s', (mode) => {
  let running: RunningMode;
  beforeAll(async () => {
    running = await startMode(mode);
  });
  afterAll(() => running.close());

  async function results(query: string): Promise<unknown[]> {
    const client = createClient({ url: running.url, retryAttempts: 0 });
    const found: unknown[] = [];
    for await (const result of client.iterate({ query })) found.push(result);
    client.dispose();
    return found;
  }

  it('deliver a subscription to the library for clients', async () => {
    expect(
      await results(
        'subscription { runEvents(id: "run_1", upTo: 2) { sequence run { module { title } } } }',
      ),
    ).toEqual(
      [1, 2].map((sequence) => ({
        data: { runEvents: { sequence, run: { module: { title: 'digits' } } } },
      })),
    );
  });
  it('deliver a query, too', async () => {
    expect(await results('{ who }')).toEqual([{ data: { who: 'nobody' } }]);
  });
  it.each(['subscription {', 'subscription { nothing }', 'subscription { refused }'])(
    'deliver the refusal of %s',
    async (query) => {
      expect(await results(query)).toMatchObject([
        { errors: [{ extensions: { requestId: expect.any(String) } }] },
      ]);
    },
  );
  it('come by GET, as EventSource asks', async () => {
    const response = await open('subscription { ticks(upTo: 2) }');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(text).toBe(
      ':\n\nevent: next\ndata: {"data":{"ticks":"0"}}\n\nevent: next\ndata: {"data":{"ticks":"1"}}\n\nevent: complete\ndata:\n\n',
    );
  });
  it('close the source at once when the reader goes', async () => {
    const response = await open('subscription { silence }');
    await until(() => running.toys.open.readers === 1);
    response.destroy();
    await until(() => running.toys.open.readers === 0);
    expect(response.destroyed).toBe(true);
  });
  it('pull no more than a bounded number of events for a reader that does not read', async () => {
    running.toys.open.pulled = 0;
    const response = await open('subscription { ticks(upTo: 1500, bytes: 20000) }');
    response.pause();
    let pulled = -1;
    while (pulled !== running.toys.open.pulled || pulled === 0) {
      pulled = running.toys.open.pulled;
      await delay(300);
    }
    expect(pulled).toBeLessThan(1400);
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(text.match(/event: next/gu)).toHaveLength(1500);
    expect(text).toContain('event: complete');
  });
  it('refuse a mutation by GET', async () => {
    const response = await open('mutation { __typename }');
    let text = '';
    for await (const chunk of response) text += String(chunk);
    expect(text).toContain('Mutations cannot be sent by GET');
  });

  async function open(query: string): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    plainRequest(
      `${running.url}?query=${encodeURIComponent(query)}`,
      { headers: { accept: 'text/event-stream' } },
      resolve,
    )
      .on('error', reject)
      .end();
    return await promise;
  }
});

it('closes a stream whose reader went while it was being opened', async () => {
  let isAsked = false;
  let isClosed = false;
  const silence: AsyncIterable<never> = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.withResolvers<never>().promise,
      async return() {
        isClosed = true;
        return { done: true, value: undefined };
      },
    }),
  };
  const running = await startEdge({
    schema: buildSchema('type Query { a: Int } type Subscription { silence: Int }'),
    run: async () => ({ data: {} }),
    async subscribe({ incoming: { signal } }: GraphRequest): Promise<ResultStream> {
      isAsked = true;
      await until(() => signal.aborted);
      return eventStream(
        silence,
        async () => ({ data: {} }),
        () => ({ errors: [] }),
      );
    },
    close: async () => undefined,
  });
  const asking = plainRequest(`${running.url}?query=subscription{silence}`, {
    headers: { accept: 'text/event-stream' },
  });
  asking.on('error', () => undefined).end();
  await until(() => isAsked);
  asking.destroy();
  await until(() => isClosed);
  expect(isClosed).toBe(true);
  await running.close();
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await delay(5);
}
