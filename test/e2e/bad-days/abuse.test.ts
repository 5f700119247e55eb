import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest } from 'node:http';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient } from '../edge/socket-client.ts';
import { type Answer, eventually, Server } from './server.ts';

let server: Server;
let before: unknown;
const heard: string[] = [];

beforeAll(async () => {
  server = await Server.start();
  before = await everything();
}, 60_000);

afterAll(() => server.destroy());

const many = (count: number, text: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => text(at)).join(' ');

describe('an operation that costs too much is refused before it runs:', () => {
  const around = 'dataset { latestVersion { ';
  test.each([
    [
      'depth',
      `{ dataset(id: "x") { latestVersion { ${around.repeat(30)} id ${'} }'.repeat(30)} } } }`,
    ],
    ['aliases', `{ ${many(1000, (at) => `a${at}: __typename`)} }`],
    ['repeated fields', `{ ${'__typename '.repeat(1000)} }`],
    ['directives', `{ __typename ${'@include(if: true) '.repeat(500)} }`],
    ['tokens', `{ ${'__typename '.repeat(20_000)} }`],
    [
      'fragments that multiply',
      `{ ...f0 } ${many(30, (at) => `fragment f${at} on Query { ...f${at + 1} ...f${at + 1} }`)} fragment f30 on Query { __typename }`,
    ],
    [
      'pages of pages',
      '{ datasets(first: 100) { nodes { versions(first: 100) { nodes { files(first: 100) { nodes { path } } } } } } }',
    ],
    [
      'expensive mutations',
      `mutation { ${many(100, (at) => `m${at}: deleteDeployment(input: { id: "x" }) { userErrors { code } }`)} }`,
    ],
  ])('%s', async (_what, query) => {
    expect(codes(await post({ query }))).toEqual([
      400,
      expect.stringMatching(/TOO_EXPENSIVE|BAD_REQUEST/u),
    ]);
  });

  test.each([
    ['a cycle of fragments', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
    ['a fragment of itself', 'fragment a on Query { ...a } { ...a }'],
    [
      'circular introspection',
      `{ __schema { types ${'{ fields { type '.repeat(9)} { name } ${'} }'.repeat(9)} } }`,
    ],
    ['nothing', ''],
    ['an unfinished string', '{ node(id: "'],
    ['NUL', '{ \u0000 }'],
    ['a lone surrogate in a name', '{ \ud800 }'],
    ['a fragment only', 'fragment a on Query { __typename }'],
    ['an unknown operation', 'query A { __typename }', 'B'],
    ['a type definition', 'type Query { a: Int } { __typename }'],
  ])('%s', async (_what, query, operationName?: string) => {
    expect(codes(await post({ query, operationName }))).toEqual([400, 'BAD_REQUEST']);
  });

  test.each([
    ['first: 1000000', {}],
    ['first: 0', {}],
    ['first: -1', {}],
    ['last: 101', {}],
    ['first: 1, last: 1', {}],
    ['orderBy: { field: NAME }', {}],
    ['first: $n', { n: 1e9 }],
    ['first: $n', { n: null }],
  ])('a page with %s', async (page, variables) => {
    const declared = page.includes('$n') ? 'query ($n: Int) ' : '';
    const answer = await post({
      query: `${declared}{ datasets(${page}) { totalCount } }`,
      variables,
    });
    expect(codes(answer)).toEqual([400, 'INVALID_ARGUMENT']);
  });
});

describe('a body is refused that', () => {
  const query = JSON.stringify('query ($v: JSON) { __typename @include(if: true) }');
  const text = (value: string) => `{"query":${query},"variables":{"v":${value}}}`;
  test.each([
    ['is empty', ''],
    ['is no JSON', '{"query":'],
    ['is a list', '[{"query":"{ __typename }"}]'],
    ['is null', 'null'],
    ['has a number for a query', '{"query":1}'],
    ['has a list for variables', '{"query":"{ __typename }","variables":[]}'],
    ['names an operation by a list', '{"query":"{ __typename }","operationName":[]}'],
    [
      'has only the hash of a query',
      '{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}',
    ],
    ['has a __proto__', text('{"__proto__":{"polluted":true}}')],
    ['has a constructor.prototype', text('{"constructor":{"prototype":{"polluted":true}}}')],
    [
      'is not UTF-8',
      Buffer.concat([
        Buffer.from('{"query":"{ __typename }","x":"'),
        Buffer.from([0xc0, 0xff]),
        Buffer.from('"}'),
      ]),
    ],
    ['is compressed', gzipSync('{"query":"{ __typename }"}'), { 'content-encoding': 'gzip' }],
    [
      'would unpack to much',
      gzipSync(Buffer.alloc(50_000_000, ' ')),
      { 'content-encoding': 'gzip' },
    ],
  ])('%s', async (_what, body, headers: Record<string, string> = {}) => {
    expect(codes(await send(body, headers))).toEqual([400, 'BAD_REQUEST']);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('is larger than the limit', async () => {
    expect(codes(await send(text(`"${'x'.repeat(2_000_000)}"`)))).toEqual([413, 'TOO_LARGE']);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
    'a page can send to other sites without asking: %s',
    async (type) => {
      const answer = await send('{"query":"{ __typename }"}', { 'content-type': type });
      expect(codes(answer)).toEqual([415, 'BAD_REQUEST']);
    },
  );
});

describe('a value is refused, with its place, that', () => {
  const create =
    'mutation ($input: CreateDatasetInput!) { createDataset(input: $input) { dataset { id } userErrors { code path } } }';
  test.each([
    ['is no text: NUL', { name: 'good', title: 'a\u0000b' }, 'title'],
    ['is no text: half a character', { name: 'good', description: '\ud800' }, 'description'],
    ['is too long', { name: 'good', title: 'x'.repeat(10_000) }, 'title'],
    ['is a path', { name: '../../etc/passwd' }, 'name'],
    ['is a statement', { name: "x'; DROP TABLE datasets; --" }, 'name'],
    [
      'is an idempotency key of no text',
      { name: 'good', idempotencyKey: '\ud800' },
      'idempotencyKey',
    ],
    [
      'is an idempotency key with NUL',
      { name: 'good', idempotencyKey: 'a\u0000' },
      'idempotencyKey',
    ],
    ['is an empty idempotency key', { name: 'good', idempotencyKey: '' }, 'idempotencyKey'],
  ])('%s', async (_what, input, path) => {
    const { answer } = await post({ query: create, variables: { input } });
    expect(answer.data).toEqual({
      createDataset: { dataset: null, userErrors: [{ code: 'INVALID_ARGUMENT', path: [path] }] },
    });
  });

  test.each([
    ['owner', { name: 'mine', owner: 'root' }],
    ['id', { name: 'mine', id: 'ds_00000000000000000000000000' }],
    ['version', { name: 'mine', version: 7 }],
    ['createdAt', { name: 'mine', createdAt: 0 }],
  ])('is not the caller’s to set: %s', async (_what, input) => {
    expect(codes(await post({ query: create, variables: { input } }))).toEqual([
      400,
      'BAD_REQUEST',
    ]);
  });

  test.each([
    ['a number of 100,000 digits', '9'.repeat(100_000)],
    ['infinity', '1e999'],
    ['a fraction', '1.5'],
    ['text', '"1"'],
    ['an object', '{}'],
  ])('is no page size: %s', async (_what, value) => {
    const answer = await send(
      `{"query":"query ($n: Int) { datasets(first: $n) { totalCount } }","variables":{"n":${value}}}`,
    );
    expect(codes(answer)).toEqual([400, expect.stringMatching(/INVALID_ARGUMENT|BAD_REQUEST/u)]);
  });

  test('is nested a hundred thousand times', async () => {
    const nested = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const training =
      'mutation ($v: JSON) { createTrainingRun(input: { moduleVersionId: \\"x\\", datasetVersionId: \\"x\\", arguments: $v }) { userErrors { code } } }';
    const answer = await send(`{"query":"${training}","variables":{"v":${nested}}}`);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).toMatch(/BAD_ID|BAD_REQUEST|INVALID_ARGUMENT/u);
  });
});

describe('an id', () => {
  const nouns = {
    artifact: 'art',
    dataset: 'ds',
    datasetVersion: 'dsv',
    deployment: 'dep',
    module: 'mod',
    moduleVersion: 'mver',
    prediction: 'pred',
    split: 'spl',
    trainingRun: 'run',
    upload: 'upl',
  };
  test.each(Object.entries(nouns))('that is nobody’s is null: %s', async (field, prefix) => {
    const id = `${prefix}_01J8ZZZZZZZZZZZZZZZZZZZZZZ`;
    const query = `query ($id: ID!) { ${field}(id: $id) { id } node(id: $id) { id } }`;
    expect((await post({ query, variables: { id } })).answer).toEqual({
      data: { [field]: null, node: null },
    });
  });

  test.each([
    '',
    ' ',
    '\u0000',
    '\ud800',
    'run_',
    'run_../../x',
    '__proto__',
    'run_01J8ZZZZZZZZZZZZZZZZZZZZZI',
    'x'.repeat(100_000),
  ])('that is none is BAD_ID: %j', async (id) => {
    const query = 'query ($id: ID!) { trainingRun(id: $id) { id } }';
    const { answer } = await post({ query, variables: { id } });
    expect(answer.errors?.map(({ extensions }) => extensions['code'])).toEqual(['BAD_ID']);
    expect(answer.data).toEqual({ trainingRun: null });
    expect(answer.errors?.[0]?.message.length).toBeLessThan(300);
  });

  test('of nobody’s ends every mutation and subscription with NOT_FOUND', async () => {
    const id = 'run_01J8ZZZZZZZZZZZZZZZZZZZZZZ';
    const cancel =
      'mutation ($id: ID!) { cancelTrainingRun(input: { id: $id }) { userErrors { code path } } }';
    expect((await post({ query: cancel, variables: { id } })).answer.data).toEqual({
      cancelTrainingRun: { userErrors: [{ code: 'NOT_FOUND', path: ['id'] }] },
    });
    const query = 'subscription ($id: ID!) { trainingRunEvents(id: $id) { sequence } }';
    const events = await post({ query, variables: { id } }, { accept: 'text/event-stream' }, false);
    expect(events.text).toContain('NOT_FOUND');
  });
});

describe('another site', () => {
  const mutation = encodeURIComponent('mutation { __typename }');
  test('cannot mutate by GET', async () => {
    expect(await get(`/graphql?query=${mutation}`, { accept: 'application/json' })).toBe(405);
  });

  test('cannot read by GET, nor call from its pages', async () => {
    const path = '/graphql?query=%7B__typename%7D';
    expect(await get(path, { accept: '*/*' })).toBe(403);
    expect(await get(path, { accept: 'application/json', origin: 'https://evil.example' })).toBe(
      403,
    );
    expect(await get(path, { accept: 'application/json' })).toBe(200);
  });

  test('cannot make its name resolve to this machine', async () => {
    const path = '/graphql?query=%7B__typename%7D';
    const { port } = new URL(server.url);
    for (const host of [
      'rebound.evil.example',
      `rebound.evil.example:${port}`,
      '127.0.0.1.evil.example',
    ]) {
      expect(await get(path, { accept: 'application/json', host })).toBe(421);
      expect(await get('/graphql', { accept: 'text/html', host })).toBe(421);
    }
    expect(await get(path, { accept: 'application/json', host: `localhost:${port}` })).toBe(200);
  });

  test('cannot open a socket', async () => {
    for (const origin of ['https://evil.example', 'null']) {
      const client = new RawClient(server.url, 'graphql-transport-ws', { origin });
      expect((await client.closed).code).toBe(1006);
    }
    const rebound = new RawClient(server.url, 'graphql-transport-ws', {
      headers: { host: 'rebound.evil.example' },
    });
    expect((await rebound.closed).code).toBe(1006);
  });
});

test('a refused upgrade leaves no connection behind', async () => {
  const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
  const before = open();
  const paths = ['/graphql', '/uploads/x', '/blobs/x/y', '/nothing'];
  for (let round = 0; round < 5; round += 1) {
    for (const path of paths) {
      const headers = { host: 'rebound.evil.example' };
      const refused = new RawClient(new URL(path, server.url).href, 'graphql-transport-ws', {
        headers,
      });
      expect((await refused.closed).code).toBe(1006);
    }
  }
  await eventually(open, (now) => now <= before + 2);
});

describe('a socket', () => {
  const open = () => new RawClient(server.url);
  test('that does not keep to the protocol is closed with the code for it', async () => {
    const early = await open().open();
    early.subscribe('1', '{ __typename }');
    expect((await early.closed).code).toBe(4401);
    const twice = await open().init();
    twice.send({ type: 'connection_init' });
    expect((await twice.closed).code).toBe(4429);
    for (const message of [
      '{',
      '[]',
      '{"type":"no such"}',
      '{"type":"subscribe","id":"1","payload":{"query":"{__typename}","variables":{"__proto__":{"a":1}}}}',
    ]) {
      const odd = await open().init();
      odd.send(message);
      expect((await odd.closed).code).toBe(4400);
    }
  });

  test('has its operations counted and its messages bounded', async () => {
    const flood = await open().init();
    for (let at = 0; at < 400; at += 1) flood.subscribe(String(at), `{ t${at % 50}: __typename }`);
    for (let at = 0; at < 400; at += 1) {
      await flood.until(
        (it) => it.id === String(at) && (it.type === 'complete' || it.type === 'error'),
      );
    }
    for (let at = 0; at < 1000; at += 1) flood.send({ type: 'ping' });
    await flood.until((it) => it.type === 'pong');
    flood.send(JSON.stringify({ type: 'ping', payload: { x: 'x'.repeat(3_000_000) } }));
    expect([1009, 1006]).toContain((await flood.closed).code);
  });

  test('that is no WebSocket, or breaks off, harms nobody', async () => {
    const { port } = new URL(server.url);
    for (const words of [
      '\u0016\u0003\u0001',
      'GET / HTTP/9.9\r\n\r\n',
      `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query"`,
      `GET /graphql HTTP/1.1\r\nhost: localhost\r\n${'x-a: b\r\n'.repeat(5_000)}\r\n`,
    ]) {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(words);
      setTimeout(() => socket.resetAndDestroy(), 50);
      await once(socket, 'close');
    }
    expect((await post({ query: '{ __typename }' })).answer).toEqual({
      data: { __typename: 'Query' },
    });
  });
});

test('none of it changed anything, and no answer spoke of the inside', async () => {
  expect(await everything()).toEqual(before);
  const inside =
    /sqlite|select .* from|constraint|node_modules|\.ts:\d|\.js:\d|at \w+ \(|ENOENT|ECONN|\/tmp\//iu;
  expect(heard.length).toBeGreaterThan(60);
  expect(heard.filter((text) => inside.test(text) || text.includes(server.folder))).toEqual([]);
  expect(server.said).not.toContain('Unexpected failure');
});

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly answer: Answer;
}

async function send(
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  isJson = true,
): Promise<Reply> {
  const { status, text } = await server.post(
    typeof body === 'string' ? body : new Uint8Array(body),
    headers,
  );
  heard.push(text);
  return { status, text, answer: isJson ? (JSON.parse(text) as Answer) : {} };
}

function post(
  body: object,
  headers: Readonly<Record<string, string>> = {},
  isJson = true,
): Promise<Reply> {
  return send(JSON.stringify(body), headers, isJson);
}

/** The status, and the code of the first error, which has all that an error of ours has. */
function codes({ status, answer }: Reply): readonly unknown[] {
  const [error] = answer.errors ?? [];
  expect(Object.keys(error?.extensions ?? {}).toSorted()).toEqual([
    'code',
    'requestId',
    'retryAfterMs',
    'retryable',
  ]);
  expect(answer.data).toBeUndefined();
  return [status, error?.extensions['code']];
}

/** The status of a request with exactly these headers; `fetch` sends a Host of its own. */
async function get(path: string, headers: Record<string, string>): Promise<number> {
  const { port } = new URL(server.url);
  const asked = plainRequest({ host: '127.0.0.1', port, path, headers }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.on('data', (chunk: Buffer) => heard.push(chunk.length < 10_000 ? chunk.toString() : ''));
  await once(response, 'end');
  return response.statusCode ?? 0;
}

function everything(): Promise<Answer> {
  return server.ask(
    '{ datasets(first: 100) { totalCount nodes { id } } trainingRuns(first: 1) { totalCount } deployments(first: 1) { totalCount } modules(first: 100) { totalCount nodes { id updatedAt } } }',
  );
}
