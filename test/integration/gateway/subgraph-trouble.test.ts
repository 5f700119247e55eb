import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import Fastify from 'fastify';
import { createClient } from 'graphql-ws';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { compose } from '../../../gateway/composition.ts';
import { registerEdge } from '../../../gateway/edge.ts';
import { mergedExecutor } from '../../../gateway/merged.ts';
import { plannedExecutor } from '../../../gateway/planned.ts';
import { remoteLink } from '../../../gateway/remote-subgraph.ts';
import { serveSubgraph } from '../../../gateway/subgraph-server.ts';
import { answerTo } from '../../unit/gateway/asking.ts';
import { errorFor, toys } from './toys.ts';

const newRequestId = () => 'unnamed';

async function remoteToys(timeoutMs?: number) {
  const own = toys();
  const { contextFor, subgraphs } = own;
  const servers = new Map(
    await Promise.all(
      subgraphs.map(
        async (subgraph) =>
          [
            subgraph.name,
            await serveSubgraph({ subgraph, contextFor, errorFor, newRequestId, port: 0 }),
          ] as const,
      ),
    ),
  );
  const links = [...servers].map(([name, { url }]) =>
    remoteLink({ name, url, ...(timeoutMs === undefined ? {} : { timeoutMs }) }),
  );
  const { supergraphSdl } = compose(subgraphs);
  const executor = await plannedExecutor({ supergraphSdl, links, errorFor });
  return { ...own, servers, executor };
}

describe('a subgraph that is down', () => {
  it('costs its own fields only, each with a retryable error at its path', async () => {
    const { executor, servers } = await remoteToys();
    await servers.get('serving')?.close();
    const answer = await answerTo(
      executor,
      '{ module(id: "mod_0") { title versions { number url } } }',
    );
    const error = (at: number) => ({
      message: 'The subgraph serving cannot be reached.',
      path: ['module', 'versions', at, 'url'],
      extensions: {
        code: 'SUBGRAPH_UNAVAILABLE',
        retryable: true,
        retryAfterMs: 1000,
        requestId: 'r',
      },
    });
    expect(answer).toMatchObject({
      data: {
        module: {
          title: 'iris',
          versions: [
            { number: 1, url: null },
            { number: 2, url: null },
          ],
        },
      },
      errors: [error(0), error(1)],
    });
    expect(
      await answerTo(executor, '{ module(id: "mod_0") { title deployments { id } } who }'),
    ).toMatchObject({
      data: { module: null, who: 'nobody' },
      errors: [{ path: ['module', 'deployments'] }],
    });
    expect(JSON.stringify(answer)).not.toMatch(/127\.0\.0\.1|ECONN/u);
    await executor.close();
    await Promise.all([...servers.values()].map((it) => it.close().catch(() => undefined)));
  });
  it('whose source of events fails in the middle ends the stream with that error, and not as if it were complete', async () => {
    const { executor, servers } = await remoteToys();
    const app = Fastify();
    await registerEdge(app, { executor, errorFor, newRequestId });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = app.server.address() as AddressInfo;
    const client = createClient({
      url: `ws://127.0.0.1:${port}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 0,
    });
    const seen: unknown[] = [];
    const { promise: end, resolve } = Promise.withResolvers<string>();
    client.subscribe(
      { query: 'subscription { failing }' },
      {
        next: ({ data }) => seen.push(data),
        error: (error) => resolve(`error ${JSON.stringify(error)}`),
        complete: () => resolve('complete'),
      },
    );
    expect(await end).toMatch(/^error .*The store is away/u);
    expect(seen).toEqual([{ failing: 'first' }]);
    await client.dispose();
    await app.close();
    await executor.close();
    await Promise.all([...servers.values()].map((it) => it.close()));
  });
  it('ends a subscription with an error that says to come again', async () => {
    const { executor, servers } = await remoteToys();
    const ended = answerTo(executor, 'subscription { silence }');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await servers.get('training')?.close();
    expect(await ended).toMatchObject([
      { errors: [{ extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true } }] },
    ]);
    await executor.close();
    await Promise.all([...servers.values()].map((it) => it.close().catch(() => undefined)));
  });
  it('is given up on in time when it accepts and says nothing', async () => {
    const own = toys();
    const sockets = new Set<Socket>();
    const mute = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    const links = own.subgraphs.map(({ name }) =>
      remoteLink({ name, url: `http://127.0.0.1:${port}/graphql`, timeoutMs: 100 }),
    );
    const { supergraphSdl } = compose(own.subgraphs);
    const executor = await plannedExecutor({ supergraphSdl, links, errorFor });
    expect(await answerTo(executor, '{ who echo }')).toMatchObject({
      data: null,
      errors: [{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }],
    });
    for (const socket of sockets) socket.destroy();
    mute.close();
    await executor.close();
  });
});

describe('a served subgraph', () => {
  it('says how it is, forwards who asks, and answers no page', async () => {
    const { subgraphs, contextFor } = toys();
    const [subgraph] = subgraphs;
    if (subgraph === undefined) throw new Error('no subgraph');
    let well = true;
    const server = await serveSubgraph({
      subgraph,
      contextFor,
      errorFor,
      newRequestId,
      port: 0,
      isHealthy: async () => well,
      metrics: async () => ({ type: 'text/plain', text: 'counted 1' }),
    });
    const page = async (path: string) => {
      const response = await fetch(new URL(path, server.url));
      return [response.status, await response.text()] as const;
    };
    expect((await page('/health'))[0]).toBe(200);
    expect(await page('/readyz')).toEqual([200, '{"status":"ready"}']);
    well = false;
    expect((await page('/health'))[0]).toBe(503);
    expect(await page('/readyz')).toEqual([503, '{"status":"not ready"}']);
    expect(await page('/metrics')).toEqual([200, 'counted 1']);
    expect((await page('/other'))[0]).toBe(404);
    const ask = async (body: string, headers: Record<string, string> = {}) => {
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body,
      });
      return (await response.json()) as unknown;
    };
    expect(await ask('{"query":"{ who }"}', { authorization: 'Bearer me' })).toEqual({
      data: { who: 'Bearer me' },
    });
    expect(await ask('{"query":"{ broken }"}', { 'x-request-id': 'abc' })).toMatchObject({
      errors: [
        { message: 'Something went wrong.', extensions: { code: 'INTERNAL', requestId: 'abc' } },
      ],
    });
    expect(await ask('{"query":"{ who }"}', { authorization: 'Bearer expired' })).toMatchObject({
      errors: [
        { message: 'Who you are could not be verified.', extensions: { code: 'NOT_READY' } },
      ],
    });
    const plain = await fetch(server.url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"query":"{ who }"}',
    });
    expect(plain.status).toBeGreaterThanOrEqual(400);
    await server.close();
  });
});

describe('a merged graph', () => {
  it('looks up the entities of a page in one batch', async () => {
    const own = toys();
    const executor = await mergedExecutor({ ...own, errorFor });
    await answerTo(
      executor,
      '{ runs(first: 4) { nodes { module { title added related { title } } } } }',
    );
    expect(own.contexts).toHaveLength(1);
    expect(own.contexts[0]?.batches).toEqual(
      [
        { type: 'Module', ids: ['mod_0', 'mod_1', 'mod_gone'] },
        { type: 'Module', ids: ['mod_2', 'mod_9'] },
      ].slice(0, own.contexts[0]?.batches.length),
    );
    expect(own.contexts[0]?.batches.length).toBeLessThanOrEqual(2);
    await executor.close();
  });
  it('makes one context an operation, and one an event', async () => {
    const own = toys();
    const executor = await mergedExecutor({ ...own, errorFor });
    await answerTo(
      executor,
      '{ module(id: "mod_0") { title } other: module(id: "mod_1") { title count } }',
    );
    expect(own.contexts).toHaveLength(1);
    await answerTo(
      executor,
      'subscription { runEvents(id: "run_1", upTo: 3) { run { module { title } } } }',
    );
    expect(own.contexts).toHaveLength(1 + 1 + 3);
    await executor.close();
  });
});
