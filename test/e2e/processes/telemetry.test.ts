import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { collector } from './collector.ts';
import { ProcessGroup } from './process-group.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 90_000 });

describe('what an operator sees of a gateway and its subgraphs', () => {
  let group: ProcessGroup;
  let sink: Awaited<ReturnType<typeof collector>>;
  let url = '';

  const ask = async (query: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query }),
    });
  const metrics = async (): Promise<string> => (await fetch(new URL('/metrics', url))).text();

  beforeAll(async () => {
    sink = await collector();
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', sink.url);
    group = await ProcessGroup.create();
    await group.allSubgraphs();
    url = await group.gateway();
  });
  afterAll(async () => {
    await group.remove();
    sink.close();
  });

  test('operations are counted by kind and outcome', async () => {
    await ask('{ modules(first: 1) { nodes { slug } } }');
    await ask('{ nonsense }');
    const text = await metrics();
    expect(text).toMatch(
      /fathom_graphql_operations_total\{kind="query",outcome="OK",role="gateway"\} [1-9]/,
    );
    expect(text).toMatch(/fathom_graphql_operations_total\{kind="unread",outcome="BAD_REQUEST"/);
    expect(text).toContain('fathom_graphql_operation_seconds_bucket');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('every role says how it is, whether it is ready, and what it counts', async () => {
    await group.worker();
    const pages = async (at: string) => {
      const answers = ['/healthz', '/readyz', '/metrics'].map(async (path) => {
        const response = await fetch(new URL(path, at));
        return [response.status, await response.text()] as const;
      });
      const [health, ready, counted] = await Promise.all(answers);
      expect(health?.[1]).toContain('"status":"ok"');
      expect(ready).toEqual([200, '{"status":"ready"}']);
      return counted?.[1];
    };
    expect(await pages(url)).toContain('role="gateway"');
    expect(await pages(group.urlOf('training'))).toContain('fathom_on_duty{role="subgraph"} 1');
    expect(await pages(group.urlOf('modules'))).toContain(
      'fathom_backend_reachable{backend="local"',
    );
    expect(await pages(group.at('worker'))).toContain('fathom_on_duty{role="worker"} 0');
    expect(await pages(group.at('bytes'))).toContain('fathom_store_healthy{role="subgraph"} 1');
    await group.stop('worker');
  });

  test('it is ready while a subgraph answers, and says so no more when none does', async () => {
    const state = async (): Promise<readonly [number, unknown]> => {
      const response = await fetch(new URL('/readyz', url));
      return [response.status, await response.json()];
    };
    expect(await state()).toEqual([200, { status: 'ready' }]);
    await group.kill('subgraphs');
    expect(await state()).toEqual([503, { status: 'not ready' }]);
    expect((await fetch(new URL('/healthz', url))).status).toBe(200);
    await group.allSubgraphs();
    expect(await state()).toEqual([200, { status: 'ready' }]);
  });

  test('a trace goes from the caller through the gateway into the subgraph', async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const answer = await ask('query Names { modules(first: 1) { nodes { slug } } }', {
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    });
    expect(await answer.json()).toMatchObject({ data: { modules: {} } });
    // What was recorded is sent before they end.
    await group.stop('subgraphs');
    await group.stop('gateway');
    const own = sink.spans.filter((span) => span.traceId === traceId);
    const operation = own.find(({ name }) => name === 'query Names');
    const call = own.find(({ name }) => name === 'subgraph modules');
    const answered = own.find(({ role }) => role === 'subgraph');
    expect(operation).toMatchObject({ role: 'gateway', parentSpanId: '00f067aa0ba902b7' });
    expect(call).toMatchObject({ role: 'gateway', parentSpanId: operation?.spanId });
    expect(answered).toMatchObject({ name: 'graphql', parentSpanId: call?.spanId });
  });
});
