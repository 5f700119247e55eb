import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { type Client, type ClientOptions, createClient } from '../../../codegen/client/client.ts';
import { ConnectionError, FathomApiError } from '../../../codegen/client/errors.ts';
import type { TypedDocument } from '../../../codegen/client/typed-document.ts';
import { type Answer, type ScriptedServer, startScriptedServer } from './scripted-server.ts';

const query = 'query Value { value }' as TypedDocument<{ value: number }, Record<string, never>>;
const mutation = 'mutation Make($input: In!) { make(input: $input) }' as TypedDocument<
  { make: number },
  { input: { idempotencyKey?: string } }
>;

const open: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

async function serve(answer: Answer, more: Partial<ClientOptions> = {}) {
  const server = await startScriptedServer({ answer });
  open.push(() => server.stop());
  const client = createClient({
    url: server.url,
    retry: { requests: { initialMs: 1, maximumMs: 3 } },
    ...more,
  });
  open.push(() => client.close());
  return { server, client };
}

function reply(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: object = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

const busy = {
  errors: [{ message: 'Busy.', extensions: { code: 'OVERLOADED', retryable: true } }],
};

/** What goes wrong on the first turns, before the answer. */
const passing: [string, (request: IncomingMessage, response: ServerResponse) => void][] = [
  ['a cut connection', (request) => request.socket.destroy()],
  ['a retryable code', (_, response) => reply(response, 503, busy)],
  ['a proxy without its server', (_, response) => reply(response, 502, '<h1>Bad gateway</h1>')],
];

describe.each(passing)('after %s', (_name, fail) => {
  const flaky: Answer = (_asked, request, response, turn) => {
    if (turn < 2) fail(request, response);
    else reply(response, 200, { data: { value: turn, make: turn } });
  };

  test('a query is asked again', async () => {
    const { client } = await serve(flaky);
    expect(await client.run(query, {})).toMatchObject({ value: 2 });
  });

  test('a mutation with an idempotency key is asked again', async () => {
    const { client } = await serve(flaky);
    const made = await client.run(mutation, { input: { idempotencyKey: 'k' } });
    expect(made).toMatchObject({ make: 2 });
  });

  test('a mutation without one is not: it may have happened', async () => {
    const turns: number[] = [];
    const { client } = await serve((asked, request, response, turn) => {
      turns.push(turn);
      flaky(asked, request, response, turn);
    });
    await expect(client.run(mutation, { input: {} })).rejects.toThrow(Error);
    expect(turns).toEqual([0]);
  });
});

async function failure(client: Client): Promise<unknown> {
  return client.run(query, {}).then(
    () => null,
    (error: unknown) => error,
  );
}

describe('an answer', () => {
  test('carries the operation, its variables and fresh headers', async () => {
    let calls = 0;
    const seen: unknown[] = [];
    const { client } = await serve(
      (asked, _request, response) => {
        seen.push([asked.query, asked.variables, asked.headers['authorization']]);
        reply(response, 200, { data: { make: 1 } });
      },
      { headers: () => ({ authorization: `Bearer ${++calls}` }) },
    );
    await client.run(mutation, { input: {} });
    await client.run(mutation, { input: {} });
    expect(seen).toEqual([
      [mutation.toString(), { input: {} }, 'Bearer 1'],
      [mutation.toString(), { input: {} }, 'Bearer 2'],
    ]);
  });

  test('with errors is thrown by its code, data kept beside', async () => {
    const errors = [
      {
        message: 'No.',
        path: ['value'],
        extensions: { code: 'FORBIDDEN', retryable: false, requestId: 'req_9', retryAfterMs: null },
      },
    ];
    const { client } = await serve((_asked, _request, response) =>
      reply(response, 200, { data: { value: null }, errors }),
    );
    const error = await failure(client);
    expect(error).toBeInstanceOf(FathomApiError);
    expect(error).toMatchObject({
      name: 'ForbiddenError',
      code: 'FORBIDDEN',
      path: ['value'],
      requestId: 'req_9',
      data: { value: null },
    });
  });

  test('that stays retryable is thrown after the agreed number of tries', async () => {
    let turns = 0;
    const { client } = await serve((_asked, _request, response) => {
      turns += 1;
      reply(response, 503, busy, { 'retry-after': '0' });
    });
    expect(await failure(client)).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 0 });
    expect(turns).toBe(4);
  });

  test('that is no GraphQL is a connection error with its status', async () => {
    const { client } = await serve((_asked, _request, response) => reply(response, 404, 'nothing'));
    const error = await failure(client);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(String(error)).toContain('404');
  });

  test('that does not come in time is tried again, then given up', async () => {
    const { client } = await serve(() => undefined, {
      timeoutMs: 20,
      retry: { requests: { attempts: 2, initialMs: 1 } },
    });
    expect(String(await failure(client))).toContain('within 20 ms');
  });

  test('nobody waits for any more ends with the reason of the abort', async () => {
    const { client } = await serve(() => undefined);
    const controller = new AbortController();
    const waiting = client.run(query, {}, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 10);
    await expect(waiting).rejects.toThrow('enough');
  });
});

test('an address where nobody listens is told with the reason', async () => {
  const server: ScriptedServer = await startScriptedServer({});
  await server.stop();
  const client = createClient({ url: server.url, retry: { requests: { attempts: 1 } } });
  expect(String(await failure(client))).toContain('ECONNREFUSED');
});
