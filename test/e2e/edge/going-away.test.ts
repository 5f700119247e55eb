import { createClient as createSocketClient } from 'graphql-ws';
import { createClient } from 'graphql-sse';
import { WebSocket } from 'ws';
import { describe, expect, it } from 'vitest';
import { modes, startMode } from './modes.ts';
import { RawClient } from './socket-client.ts';

describe.each(modes)('a server that stops, %s', (mode) => {
  it('closes sockets with 1001 and without complete, so that clients resume', async () => {
    const running = await startMode(mode);
    const client = await new RawClient(running.url).init();
    client.subscribe('1', 'subscription { silence }');
    client.subscribe('2', '{ who }');
    await client.until((it) => it.id === '2');
    await running.close();
    expect((await client.closed).code).toBe(1001);
    expect(client.received.filter((it) => it.type === 'complete' && it.id === '1')).toEqual([]);
    expect(running.toys.open.readers).toBe(0);
  });
  it('ends event streams without complete', async () => {
    const running = await startMode(mode);
    const client = createClient({ url: running.url, retryAttempts: 0 });
    const ended = new Promise((resolve) => {
      client.subscribe(
        { query: 'subscription { silence }' },
        {
          next: () => undefined,
          error: () => resolve('error'),
          complete: () => resolve('complete'),
        },
      );
    });
    while (running.toys.open.readers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await running.close();
    expect(await ended).toBe('error');
    client.dispose();
  });
  it('lets a client of the library reconnect to its successor', async () => {
    const first = await startMode(mode);
    const second = await startMode(mode);
    let url = first.url;
    const client = createSocketClient({
      url: () => url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 3,
      retryWait: () => Promise.resolve(),
    });
    const stream = client.iterate({
      query: 'subscription { runEvents(id: "run_1", upTo: 1) { sequence } }',
    });
    expect((await stream.next()).value).toEqual({ data: { runEvents: { sequence: 1 } } });
    const silent = client.iterate({ query: 'subscription { silence }' });
    const waiting = silent.next();
    while (first.toys.open.readers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    url = second.url;
    await first.close();
    while (second.toys.open.readers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(second.toys.open.readers).toBe(1);
    await silent.return?.();
    await waiting;
    await client.dispose();
    await second.close();
  });
});
