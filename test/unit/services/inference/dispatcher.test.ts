import { expect, test } from 'vitest';
import type { Endpoint } from '../../../../domain/deployment.ts';
import { Dispatcher } from '../../../../services/inference/dispatcher.ts';

const nobody: ReadonlySet<string> = new Set();
const endpoint = (...provenReplicas: string[]) =>
  ({ id: 'end', provenReplicas }) as unknown as Endpoint;

function dispatcher(perReplica: number, queuedPerReplica: number, at = { now: 0 }): Dispatcher {
  return new Dispatcher({ perReplica, queuedPerReplica }, () => at.now);
}

test('calls go to the least busy proven server', async () => {
  const two = endpoint('a', 'b');
  const shared = dispatcher(2, 0);
  const slots = [];
  for (let n = 0; n < 4; n += 1) slots.push(await shared.acquire(two, nobody, 1_000));
  expect(slots.map((slot) => slot?.replica)).toEqual(['a', 'b', 'a', 'b']);
  await expect(shared.acquire(two, nobody, 1_000)).rejects.toMatchObject({ code: 'OVERLOADED' });
});

test('a place given back goes to whoever waited longest, and only once', async () => {
  const one = endpoint('a');
  const shared = dispatcher(1, 8);
  const first = await shared.acquire(one, nobody, 60_000);
  const order: number[] = [];
  const waiting = [1, 2].map(async (n) => {
    const slot = await shared.acquire(one, nobody, 60_000);
    order.push(n);
    return slot;
  });
  first?.release(1);
  first?.release(1);
  const second = await waiting[0];
  expect(order).toEqual([1]);
  second?.release(1);
  (await waiting[1])?.release(1);
  expect(order).toEqual([1, 2]);
});

test('with no proven server, or only suspects, there is nothing to wait for', async () => {
  const at = { now: 0 };
  const shared = dispatcher(1, 8, at);
  expect(await shared.acquire(endpoint(), nobody, 1_000)).toBeNull();
  expect(await shared.acquire(endpoint('a'), new Set(['a']), 1_000)).toBeNull();
  shared.suspect('end', 'a');
  expect(await shared.acquire(endpoint('a'), nobody, 1_000)).toBeNull();
  expect((await shared.acquire(endpoint('a', 'b'), nobody, 1_000))?.replica).toBe('b');
  at.now = 10_000;
  expect((await shared.acquire(endpoint('a'), nobody, 20_000))?.replica).toBe('a');
});

test('whoever waits for a server that went away is told to look again', async () => {
  const one = endpoint('a');
  const shared = dispatcher(1, 8);
  const slot = await shared.acquire(one, nobody, 60_000);
  const waiting = shared.acquire(one, nobody, 60_000);
  shared.suspect('end', 'a');
  slot?.release(null);
  expect(await waiting).toBeNull();
});
