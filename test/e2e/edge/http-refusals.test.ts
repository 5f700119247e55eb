import { request as plainRequest } from 'node:http';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modes, startMode } from './modes.ts';
import type { RunningMode } from './modes.ts';
import { RawClient } from './socket-client.ts';

let running: RunningMode;
beforeAll(async () => {
  running = await startMode('merged', {
    allowedOrigins: ['https://portal.example.org'],
    explorer: { samples: [{ query: '{ who } # a first step', variables: '{"n": 1}' }] },
  });
});
afterAll(() => running.close());

interface Answer {
  readonly data?: unknown;
  readonly errors?: { message: string; extensions: Record<string, unknown> }[];
}

async function post(
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; answer: Answer; headers: Headers }> {
  const response = await fetch(running.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    answer: text === '' ? {} : (JSON.parse(text) as Answer),
  };
}

const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions['code'];

describe('bounds', () => {
  const deep = (levels: number) =>
    `{ module(id: "mod_0") ${'{ related '.repeat(levels)} { id } ${'}'.repeat(levels)} }`;
  it.each([
    ['depth', deep(40)],
    ['aliases', `{ ${Array.from({ length: 1000 }, (_, at) => `a${at}: who`).join(' ')} }`],
    ['directives', `{ who ${'@include(if: true) '.repeat(500)} }`],
    ['repeated fields', `{ ${'who '.repeat(1000)} }`],
    ['tokens', `{ ${'who '.repeat(10_000)} }`],
    [
      'fragments that multiply',
      `{ ...f0 } ${Array.from({ length: 30 }, (_, at) => `fragment f${at} on Query { ...f${at + 1} ...f${at + 1} }`).join(' ')} fragment f30 on Query { who }`,
    ],
    [
      'pages of pages',
      '{ modules(first: 100) { nodes { runs(first: 100) { nodes { module { runs(first: 100) { nodes { id } } } } } } } }',
    ],
  ])('refuses %s before anything runs', async (_name, query) => {
    const before = running.toys.contexts.length;
    const { status, answer } = await post({ query });
    expect(status).toBe(400);
    expect(answer.data).toBeUndefined();
    expect(['TOO_EXPENSIVE', 'BAD_REQUEST']).toContain(codeOf(answer));
    expect(running.toys.contexts).toHaveLength(before);
  });
  it.each([
    ['neither first nor last', '{ modules { totalCount } }', {}],
    ['both', '{ modules(first: 1, last: 1) { totalCount } }', {}],
    ['zero', '{ modules(first: 0) { totalCount } }', {}],
    ['a negative', '{ modules(last: -1) { totalCount } }', {}],
    ['a million', 'query ($n: Int) { modules(first: $n) { totalCount } }', { n: 1_000_000 }],
    ['a variable left out', 'query ($n: Int) { modules(first: $n) { totalCount } }', {}],
    [
      'a page inside a fragment',
      '{ module(id: "mod_0") { ...f } } fragment f on Module { runs { totalCount } }',
      {},
    ],
  ])('refuses a page size of %s', async (_name, query, variables) => {
    const { status, answer } = await post({ query, variables });
    expect([status, codeOf(answer)]).toEqual([400, 'INVALID_ARGUMENT']);
  });
  it('takes the page size of a default', async () => {
    const { answer } = await post({
      query: 'query ($n: Int = 2) { modules(first: $n) { nodes { id } } }',
    });
    expect(answer).toEqual({ data: { modules: { nodes: [{ id: 'mod_0' }, { id: 'mod_1' }] } } });
  });
  it('lets the explorer ask for the whole schema', async () => {
    const { answer } = await post({ query: getIntrospectionQuery() });
    expect(answer.errors).toBeUndefined();
  });
  it('refuses fragment cycles and circular introspection in bounded time', async () => {
    const cycle = await post({
      query: '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }',
    });
    expect(cycle.answer.errors?.[0]?.message).toMatch(/Cannot spread fragment/u);
    const circular = `{ __schema { types ${'{ fields { type '.repeat(8)} { name } ${'} }'.repeat(8)} } }`;
    expect((await post({ query: circular })).status).toBe(400);
  });
  it('refuses bodies over the limit', async () => {
    const { status, answer } = await post({
      query: '{ who }',
      variables: { x: 'x'.repeat(1_600_000) },
    });
    expect([status, codeOf(answer)]).toEqual([413, 'TOO_LARGE']);
  });
  it('runs the chosen operation only, however often', async () => {
    const query = 'query A { a: who } query B { b: who }';
    for (let run = 0; run < 6; run += 1) {
      expect((await post({ query, operationName: 'A' })).answer).toEqual({ data: { a: 'nobody' } });
      expect((await post({ query, operationName: 'B' })).answer).toEqual({ data: { b: 'nobody' } });
    }
    expect((await post({ query })).status).toBe(400);
    expect((await post({ query, operationName: 'C' })).status).toBe(400);
  });
  it.each([
    ['an array', '[{"query":"{ who }"}]'],
    ['not JSON', '{"query":'],
    ['a __proto__ key', '{"query":"{ who }","variables":{"__proto__":{"polluted":true}}}'],
    [
      'a constructor.prototype key',
      '{"query":"{ who }","variables":{"constructor":{"prototype":{"p":1}}}}',
    ],
    ['a query that is a number', '{"query":1}'],
    ['variables that are text', '{"query":"{ who }","variables":"x"}'],
    ['no query', '{}'],
  ])('refuses %s with a typed error', async (_name, body) => {
    const { status, answer } = await post(body);
    expect(status).toBe(400);
    expect(Object.keys(answer.errors?.[0]?.extensions ?? {}).toSorted()).toEqual([
      'code',
      'requestId',
      'retryAfterMs',
      'retryable',
    ]);
  });
  it('answers in JSON, not in events, a query whose caller takes both', async () => {
    const both = 'application/json, text/event-stream';
    const answer = await post({ query: '{ who }' }, { accept: both });
    expect(answer.headers.get('content-type')).toContain('application/json');
    const response = await fetch(running.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: both },
      body: JSON.stringify({ query: 'subscription { ticks(upTo: 1) }' }),
    });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(await response.text()).toContain('event: complete');
  });
  it('ends what takes longer than the deadline', async () => {
    const short = await startMode('merged', { limits: { deadlineMs: 30 } });
    const response = await fetch(short.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ slow(ms: 5000) }' }),
    });
    expect([response.status, codeOf((await response.json()) as Answer)]).toEqual([
      504,
      'DEADLINE_EXCEEDED',
    ]);
    await short.close();
  });
  it.each(modes)('waits for one that states a longer deadline itself (%s)', async (mode) => {
    const short = await startMode(mode, { limits: { deadlineMs: 30 } });
    const response = await fetch(short.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        query: 'query ($input: Patience!) { slowly(input: $input) }',
        variables: { input: { ms: 300, deadlineMs: 20_000 } },
      }),
    });
    expect(await response.json()).toEqual({ data: { slowly: 'done' } });
    await short.close();
  });
});

describe('other sites', () => {
  const get = async (headers: Record<string, string>, query = '{ who }') =>
    await status({ headers, path: `/graphql?query=${encodeURIComponent(query)}` });
  it('cannot send a GET that a page sends without a preflight', async () => {
    expect(await get({ accept: '*/*' })).toBe(403);
    expect(await get({ accept: 'image/avif,image/webp,*/*' })).toBe(403);
    expect(await get({ accept: 'application/json', 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await get({ accept: 'application/json' })).toBe(200);
    expect(await get({ accept: '*/*', 'graphql-require-preflight': '1' })).toBe(200);
  });
  it('cannot send simple content types', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      expect((await post('{"query":"{ who }"}', { 'content-type': type })).status).toBe(415);
    }
  });
  it('cannot call from an origin that is not allowed', async () => {
    expect((await post({ query: '{ who }' }, { origin: 'https://evil.example' })).status).toBe(403);
    expect((await post({ query: '{ who }' }, { origin: 'null' })).status).toBe(403);
    const allowed = await post({ query: '{ who }' }, { origin: 'https://portal.example.org' });
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'https://portal.example.org',
    ]);
  });
  it('cannot open a socket from an origin that is not allowed', async () => {
    const client = new RawClient(running.url, 'graphql-transport-ws', {
      origin: 'https://evil.example',
    });
    expect((await client.closed).code).toBe(1006);
    const own = await new RawClient(running.url, 'graphql-transport-ws', {
      origin: new URL(running.url).origin,
    }).init();
    expect(own.socket.readyState).toBe(own.socket.OPEN);
    own.socket.terminate();
  });
  it('cannot mutate by GET', async () => {
    expect(await get({ accept: 'application/json' }, 'mutation { __typename }')).toBe(405);
    expect(await get({ accept: 'text/event-stream' }, 'mutation { __typename }')).not.toBe(500);
  });
  it('cannot use a host name of their own', async () => {
    const hosts = await startMode('merged', { hosts: ['fathom.example.org'] });
    const { port } = new URL(hosts.url);
    const statusFor = async (host: string) =>
      await status({
        port,
        headers: { host, accept: 'application/json' },
        path: '/graphql?query={who}',
      });
    expect(await statusFor(`rebound.evil.example:${port}`)).toBe(421);
    expect(await statusFor(`localhost:${port}`)).toBe(200);
    expect(await statusFor('Fathom.example.org')).toBe(200);
    await hosts.close();
  });
});

describe('errors', () => {
  it('say nothing of the inside', async () => {
    const { answer } = await post({ query: '{ broken who }' });
    expect(answer.data).toEqual({ broken: null, who: 'nobody' });
    expect(JSON.stringify(answer)).not.toMatch(/ECONNREFUSED|10\.0\.0\.1|secret\.ts|stack/u);
    expect(codeOf(answer)).toBe('INTERNAL');
  });
  it('carry the id that the caller gave, or one of ours', async () => {
    const named = await post({ query: '{ broken }' }, { 'x-request-id': 'mine-0001' });
    expect(named.answer.errors?.[0]?.extensions['requestId']).toBe('mine-0001');
    expect(named.headers.get('x-request-id')).toBe('mine-0001');
    const odd = await post({ query: '{ broken }' }, { 'x-request-id': 'a b"<' });
    expect(odd.answer.errors?.[0]?.extensions['requestId']).toMatch(/^req_\d+$/u);
  });
});

describe('the explorer', () => {
  const page = async (headers: Record<string, string> = {}) =>
    await fetch(running.url, { headers: { accept: 'text/html', ...headers } });
  it('is one page that loads nothing from elsewhere, with the sample operations', async () => {
    const response = await page();
    const html = await response.text();
    expect(response.headers.get('content-type')).toContain('text/html');
    expect(html).toContain('a first step');
    expect(html).toContain('transform: none !important }</style></head>');
    expect(html.match(/<(?:script|link|img)[^>]+(?:src|href)="https?:/gu)).toBeNull();
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const again = await page({ 'if-none-match': response.headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
  });
  it('is there after a reload, with its query in the address', async () => {
    const headers = { accept: 'text/html' };
    const response = await fetch(`${running.url}?query={who}`, { headers });
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'text/html; charset=utf-8',
    ]);
  });
  it('is not there unless it is wanted', async () => {
    const plain = await startMode('merged');
    const response = await fetch(plain.url, { headers: { accept: 'text/html' } });
    expect(response.headers.get('content-type')).not.toContain('text/html');
    await plain.close();
  });
});

async function status(options: {
  port?: string;
  path: string;
  headers: Record<string, string>;
}): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { port } = new URL(running.url);
  plainRequest({ host: '127.0.0.1', port, ...options }, (response) => {
    resolve(response.statusCode ?? 0);
    response.destroy();
  })
    .on('error', reject)
    .end();
  return await promise;
}
