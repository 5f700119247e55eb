import { expect, test, vi } from 'vitest';
import type { Look } from '../../../../services/reconciler/look.ts';
import { Reconciler } from '../../../../services/reconciler/reconciler.ts';
import type { Surroundings } from '../../../../services/surroundings.ts';
import type { Lease, WorkQueue } from '../../../../store/contract/work.ts';

const kindOf = (key: string): string => (key.startsWith('other ') ? 'other' : 'thing');

/** A queue in memory whose answers need nothing from outside. */
class MemoryQueue implements Partial<WorkQueue> {
  readonly due = new Map<string, number>();
  readonly leased = new Set<string>();
  readonly releases: number[] = [];

  /** A key that begins with `other ` is of that kind. */
  async claim(request: Parameters<WorkQueue['claim']>[0]): Promise<readonly Lease[]> {
    const keys = [...this.due].filter(
      ([key, at]) =>
        at <= request.now && !this.leased.has(key) && request.kinds.includes(kindOf(key)),
    );
    return keys.slice(0, request.limit).map(([key]) => {
      this.leased.add(key);
      return { kind: kindOf(key), key, token: 1, claims: 1 };
    });
  }

  async releaseAll(leases: readonly Lease[], nextDueAt: number | null): Promise<void> {
    this.releases.push(leases.length);
    for (const { key } of leases) {
      this.leased.delete(key);
      if (nextDueAt === null) this.due.delete(key);
      else this.due.set(key, nextDueAt);
    }
  }

  async renew(): Promise<boolean> {
    return true;
  }

  async nextDue(): Promise<number | null> {
    const free = [...this.due].filter(([key]) => !this.leased.has(key)).map(([, at]) => at);
    return free.length === 0 ? null : Math.min(...free);
  }

  changed(_kinds: readonly string[], signal: AbortSignal): Promise<void> {
    return aborted(signal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
}

function reconcilerOf(queue: MemoryQueue, ...looks: readonly Look[]): Reconciler {
  const at = {
    store: { work: queue },
    ambient: { now: () => Date.now(), random: () => 0.5 },
    log: () => undefined,
  } as unknown as Surroundings;
  return new Reconciler(at, looks, 'test');
}

test('work that is always due leaves everything else in the process its turn', async () => {
  const queue = new MemoryQueue();
  for (let at = 0; at < 300; at += 1) queue.due.set(`${at}`, 0);
  let looks = 0;
  const reconciler = reconcilerOf(queue, {
    kind: 'thing',
    look: async () => {
      looks += 1;
      // Whoever is not let in by then never is: the test ends instead of hanging.
      return looks < 200_000 ? 0 : null;
    },
  });
  reconciler.start();
  await new Promise((resolve) => setTimeout(resolve, 1));
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(200_000);
  await reconciler.stop();
});

test('what many looks need is read together, and their leases are given back together', async () => {
  const queue = new MemoryQueue();
  for (let at = 0; at < 50; at += 1) queue.due.set(`${at}`, 0);
  const prepare = vi.fn<(keys: readonly string[]) => Promise<void>>(async () => undefined);
  const looked: string[] = [];
  const reconciler = reconcilerOf(queue, {
    kind: 'thing',
    prepare,
    look: async (key) => {
      looked.push(key);
      return null;
    },
  });
  reconciler.start();
  await vi.waitFor(() => expect(queue.due.size).toBe(0));
  await reconciler.stop();
  expect(prepare).toHaveBeenCalledExactlyOnceWith(Array.from({ length: 50 }, (_, at) => `${at}`));
  expect(looked).toHaveLength(50);
  expect(queue.releases).toEqual([50]);
});

test('where reading together fails, each looks all the same', async () => {
  const queue = new MemoryQueue();
  queue.due.set('a', 0);
  const look = vi.fn<Look['look']>(async () => null);
  const prepare = () => Promise.reject(new Error('Not now.'));
  const reconciler = reconcilerOf(queue, { kind: 'thing', prepare, look });
  reconciler.start();
  await vi.waitFor(() => expect(queue.due.size).toBe(0));
  await reconciler.stop();
  expect(look).toHaveBeenCalledTimes(1);
});

test('nothing is looked at before its look has begun, and other kinds do not wait for that', async () => {
  const queue = new MemoryQueue();
  queue.due.set('a', 0);
  queue.due.set('other b', 0);
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const looked: string[] = [];
  const look = async (key: string): Promise<null> => {
    looked.push(key);
    return null;
  };
  const slow: Look = { kind: 'thing', begin: () => begun, look };
  const reconciler = reconcilerOf(queue, slow, { kind: 'other', look });
  reconciler.start();
  await vi.waitFor(() => expect(looked).toEqual(['other b']));
  expect([...queue.due.keys()]).toEqual(['a']);
  begin();
  await vi.waitFor(() => expect(looked).toEqual(['other b', 'a']));
  await reconciler.stop();
});

test.each([
  ['never comes to its end', (signal: AbortSignal) => aborted(signal)],
  ['fails', () => Promise.reject(new Error('Not now.'))],
])(
  'a look whose beginning %s looks all the same, and stops when it is told to',
  async (_, begin) => {
    const queue = new MemoryQueue();
    queue.due.set('a', 0);
    const look = vi.fn<Look['look']>(async () => null);
    const reconciler = reconcilerOf(queue, { kind: 'thing', begin, look });
    reconciler.start();
    await vi.waitFor(() => expect(look).toHaveBeenCalledTimes(1), 20_000);
    await reconciler.stop();
  },
);

test('a look that hangs holds its own lease only', async () => {
  const queue = new MemoryQueue();
  for (let at = 0; at < 100; at += 1) queue.due.set(`${at}`, 0);
  const reconciler = reconcilerOf(queue, {
    kind: 'thing',
    look: (key, _lease, signal) =>
      key === '7'
        ? new Promise((resolve) => signal.addEventListener('abort', () => resolve(5)))
        : Promise.resolve(null),
  });
  reconciler.start();
  await vi.waitFor(() => expect([...queue.due.keys()]).toEqual(['7']));
  expect([...queue.leased]).toEqual(['7']);
  await reconciler.stop();
  expect(queue.leased.size).toBe(0);
});

test('what is due at once goes on before what was due longer, and not for ever', async () => {
  const queue = new MemoryQueue();
  const looked: string[] = [];
  queue.due.set('steps', 0);
  for (let at = 0; at < 200; at += 1) queue.due.set(`${at}`, 0);
  const reconciler = reconcilerOf(queue, {
    kind: 'thing',
    look: async (key) => {
      looked.push(key);
      if (key !== 'steps') return null;
      return looked.filter((one) => one === key).length < 7 ? 0 : null;
    },
  });
  reconciler.start();
  await vi.waitFor(() => expect(queue.due.size).toBe(0));
  await reconciler.stop();
  const steps = looked.flatMap((key, at) => (key === 'steps' ? [at] : []));
  expect(steps).toHaveLength(7);
  expect(steps[3]).toBeLessThan(200);
  expect(queue.releases.reduce((sum, count) => sum + count)).toBe(202);
});
