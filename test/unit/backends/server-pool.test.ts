import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BackendError } from '../../../backends/contract/error.ts';
import type { InvokeRequest } from '../../../backends/contract/service-runner.ts';
import { readAnswer } from '../../../backends/server-pool/answer.ts';
import { type Passed, ServerPool } from '../../../backends/server-pool/server-pool.ts';

const patienceMs = 1000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a pool of servers', () => {
  test('asks the one that has least to do', async () => {
    const { pool, passes } = opened(['a', 'b']);
    const both = [pool.invoke(predict, inAMinute()), pool.invoke(predict, inAMinute())];
    expect(passes.map(({ id }) => id)).toEqual(['a', 'b']);
    for (const pass of passes) pass.give(fine);
    expect((await Promise.all(both)).map(({ replica }) => replica)).toEqual(['a', 'b']);
  });

  test('gives a prediction that got no byte to another server, and no other call', async () => {
    const { pool, passes } = opened(['a', 'b']);
    const answer = pool.invoke(predict, inAMinute());
    passes[0]?.give(died('SERVER'));
    await vi.waitFor(() => expect(passes).toHaveLength(2));
    passes[1]?.give(fine);
    expect(await answer).toMatchObject({ status: 200, replica: 'b' });

    const training = pool.invoke({ ...predict, path: '/v2/models/m/train/' }, inAMinute());
    passes[2]?.give(died('SERVER'));
    await expect(training).rejects.toMatchObject({ kind: 'Unavailable' });
    expect(passes).toHaveLength(3);
  });

  test('never asks twice for what was begun', async () => {
    const { pool, passes } = opened(['a', 'b']);
    const answer = pool.invoke(predict, inAMinute());
    passes[0]?.give(died('BEGUN'));
    await expect(answer).rejects.toThrow('The server gave no answer: it died');
    expect(passes).toHaveLength(1);
  });

  test('tries the only server again: its connection may have been closed while idle', async () => {
    const { pool, passes } = opened(['a']);
    const answer = pool.invoke(predict, inAMinute());
    passes[0]?.give(died('SERVER'));
    await vi.waitFor(() => expect(passes).toHaveLength(2));
    passes[1]?.give(fine);
    expect(await answer).toMatchObject({ replica: 'a' });
  });

  test('gives another try to nobody but the server that was named', async () => {
    const { pool, passes } = opened(['a', 'b']);
    const failure = failed(pool.invoke({ ...predict, replica: 'b' }, inAMinute()));
    while (passes.length < 3) {
      passes.at(-1)?.give(died('SERVER'));
      await vi.advanceTimersByTimeAsync(1);
    }
    passes.at(-1)?.give(died('SERVER'));
    expect(await failure).toMatchObject({ kind: 'Unavailable' });
    expect(passes.map(({ id }) => id)).toEqual(['b', 'b', 'b']);
  });

  test('has nobody to ask: NoCapacity', async () => {
    const { pool } = opened([]);
    await expect(pool.invoke(predict, inAMinute())).rejects.toMatchObject({ kind: 'NoCapacity' });
    expect(pool.has(null)).toBe(false);
  });

  test('evicts the one that let a patient caller wait until the deadline', async () => {
    const { pool, passes, evicted } = opened(['a']);
    const failure = failed(pool.invoke(predict, Date.now() + patienceMs));
    await vi.advanceTimersByTimeAsync(patienceMs);
    expect(await failure).toMatchObject({ kind: 'DeadlineExceeded' });
    expect(passes[0]?.signal.aborted).toBe(true);
    expect(evicted).toEqual(['a']);
    expect(pool.has(null)).toBe(false);
  });

  test('asks for a sign of life first when the caller was in a hurry', async () => {
    const { pool, passes, evicted } = opened(['a']);
    const failure = failed(pool.invoke(predict, Date.now() + 10));
    await vi.advanceTimersByTimeAsync(10);
    expect(await failure).toMatchObject({ kind: 'DeadlineExceeded' });
    expect(pool.has(null)).toBe(false);
    expect(passes[1]?.request).toMatchObject({ method: 'GET', path: '/' });
    passes[1]?.give(fine);
    await vi.waitFor(() => expect(pool.has(null)).toBe(true));
    expect(evicted).toEqual([]);
  });

  test.each([
    { unreachable: 'EVICT', gone: ['a'], has: false },
    { unreachable: 'TRUST', gone: [], has: true },
  ] as const)(
    'one that takes no connection, twice: $unreachable',
    async ({ unreachable, gone, has }) => {
      const { pool, passes, evicted } = opened(['a'], unreachable);
      const failure = failed(pool.invoke(predict, inAMinute()));
      passes[0]?.give(died('NOBODY'));
      expect(await failure).toMatchObject({ kind: 'Unavailable' });
      expect(pool.has(null)).toBe(false);
      await vi.advanceTimersByTimeAsync(patienceMs);
      passes[1]?.give(died('NOBODY'));
      await vi.advanceTimersByTimeAsync(0);
      expect([evicted, pool.has(null)]).toEqual([gone, has]);
    },
  );

  test('evicts nobody that was replaced meanwhile', async () => {
    const { pool, passes, evicted } = opened(['a'], 'EVICT');
    const failure = failed(pool.invoke(predict, inAMinute()));
    passes[0]?.give(died('NOBODY'));
    expect(await failure).toMatchObject({ kind: 'Unavailable' });
    await vi.advanceTimersByTimeAsync(patienceMs);
    pool.update([{ id: 'b' }]);
    passes[1]?.give(died('NOBODY'));
    await vi.advanceTimersByTimeAsync(patienceMs);
    expect(evicted).toEqual([]);
    expect(pool.has('b')).toBe(true);
  });
});

describe('an answer', () => {
  test('has single headers and one body', async () => {
    const headers = { 'content-type': 'text/plain', 'x-two': ['a', 'b'], 'x-none': undefined };
    const begun = { statusCode: 201, headers, body: chunks('he', 'llo') };
    const { status, headers: single, body } = await readAnswer(begun, 5);
    expect([status, single, Buffer.from(body).toString()]).toEqual([
      201,
      { 'content-type': 'text/plain', 'x-two': 'a, b' },
      'hello',
    ]);
  });

  test('that is too long is given up as soon as that is seen', async () => {
    const body = chunks('123', '456', '789');
    const answer = readAnswer({ statusCode: 200, headers: {}, body }, 5);
    await expect(answer).rejects.toThrow(
      new BackendError('Unexpected', 'invoke', 'The answer is longer than 5 bytes.'),
    );
    expect(await body.next()).toEqual({ done: true, value: undefined });
  });
});

const predict: InvokeRequest = {
  method: 'POST',
  path: '/v2/models/m/predict/',
  headers: {},
  body: null,
  replica: null,
};

const fine: Passed = {
  kind: 'ANSWER',
  response: { status: 200, headers: {}, body: new Uint8Array() },
};

const died = (reached: 'NOBODY' | 'SERVER' | 'BEGUN'): Passed => ({
  kind: 'ERROR',
  error: new Error('it died'),
  reached,
});

const failed = (call: Promise<unknown>): Promise<unknown> => call.catch((error: unknown) => error);

const inAMinute = (): number => Date.now() + 60_000;

interface Pass {
  readonly id: string;
  readonly request: InvokeRequest;
  readonly signal: AbortSignal;
  readonly give: (passed: Passed) => void;
}

/** A pool whose servers answer when the test says so, or fail when the signal ends. */
function opened(ids: readonly string[], unreachable: 'EVICT' | 'TRUST' = 'TRUST') {
  const passes: Pass[] = [];
  const evicted: string[] = [];
  const pool = new ServerPool<{ readonly id: string }>({
    now: () => Date.now(),
    patienceMs,
    pass: ({ id }, request, signal) =>
      new Promise((resolve) => {
        passes.push({ id, request, signal, give: resolve });
        signal.addEventListener('abort', () => resolve(died('SERVER')));
      }),
    evict: ({ id }) => void evicted.push(id),
    unreachable,
  });
  pool.update(ids.map((id) => ({ id })));
  return { pool, passes, evicted };
}

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
