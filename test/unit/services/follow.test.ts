import { describe, expect, test } from 'vitest';
import { follow } from '../../../services/follow.ts';
import { type Followed, Tails } from '../../../services/tail.ts';

interface Entry {
  readonly at: number;
}

/** A record in memory that counts what is asked of it. */
class Ledger implements Followed<Entry> {
  readonly entries: Entry[] = [];
  reads = 0;
  looks = 0;
  over = false;
  failure: Error | null = null;
  readonly #waiting = new Set<() => void>();

  append(count: number): void {
    for (let i = 0; i < count; i++) this.entries.push({ at: this.entries.length + 1 });
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  get watchers(): number {
    return this.#waiting.size;
  }

  async read(after: number, limit: number): Promise<readonly Entry[]> {
    this.reads++;
    if (this.failure !== null) throw this.failure;
    return this.entries.slice(after, after + limit);
  }

  position(entry: Entry): number {
    return entry.at;
  }

  async changed(after: number, signal: AbortSignal): Promise<void> {
    this.looks++;
    if (signal.aborted || this.entries.length > after || this.over) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    this.#waiting.delete(resolve);
  }

  async ended(): Promise<boolean> {
    return this.over;
  }
}

async function all(stream: AsyncIterable<Entry>): Promise<readonly number[]> {
  const positions: number[] = [];
  for await (const { at } of stream) positions.push(at);
  return positions;
}

const upTo = (count: number, from = 1) =>
  Array.from({ length: count - from + 1 }, (_, index) => from + index);

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe('following a record', () => {
  test('a hundred readers at its end cost one read for each change, and get the same objects', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    ledger.append(3);
    const streams = Array.from({ length: 100 }, () => follow(tails, 'a', ledger, 0));
    for (let event = 1; event <= 3; event++) {
      await Promise.all(streams.map((stream) => stream.next()));
    }
    const waiting = streams.map((stream) => stream.next());
    await settled();
    ledger.reads = 0;
    ledger.append(1);
    const results = await Promise.all(waiting);
    expect(new Set(results.map(({ value }) => value))).toEqual(new Set([ledger.entries[3]]));
    expect(ledger.reads).toBe(1);
    for (const stream of streams) await stream.return?.();
  });

  test('who leaves while it is read for leaves nobody waiting', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    const ahead = follow(tails, 'a', ledger, 3);
    const behind = follow(tails, 'a', ledger, 0);
    const next = behind.next();
    await behind.return?.();
    const waits = settled().then(() => 'it waits');
    expect(await Promise.race([next, waits])).toEqual({ done: true, value: undefined });
    expect([ledger.reads, ledger.watchers]).toEqual([1, 0]);
    await ahead.return?.();
  });

  test('nobody misses and nobody gets twice, whatever their pace and wherever they begin', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    ledger.append(250);
    const readers = [0, 0, 7, 249, 250].map((after) => all(follow(tails, 'a', ledger, after)));
    const slow = follow(tails, 'a', ledger, 0);
    const first = await slow.next();
    for (let round = 0; round < 40; round++) {
      ledger.append(17);
      await settled();
    }
    ledger.end();
    const last = ledger.entries.length;
    expect(last).toBe(930);
    expect(await Promise.all(readers)).toEqual([
      upTo(last),
      upTo(last),
      upTo(last, 8),
      upTo(last, 250),
      upTo(last, 251),
    ]);
    expect(first.value).toEqual({ at: 1 });
    expect(await all(slow)).toEqual(upTo(last, 2));
  });

  test('what comes between the last read and the end is not lost', async () => {
    const ledger = new Ledger();
    ledger.append(1);
    ledger.ended = async () => {
      if (!ledger.over) ledger.append(1);
      ledger.over = true;
      return true;
    };
    expect(await all(follow(new Tails(), 'a', ledger, 0))).toEqual([1, 2]);
  });

  test('a reader that leaves while it waits ends at once, and the last one leaves nothing behind', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    const [one, two] = [follow(tails, 'a', ledger, 0), follow(tails, 'a', ledger, 0)];
    const waiting = [one.next(), two.next()] as const;
    await settled();
    expect(ledger.watchers).toBe(1);
    await one.return?.();
    expect(await waiting[0]).toEqual({ done: true, value: undefined });
    ledger.append(1);
    expect(await waiting[1]).toEqual({ done: false, value: { at: 1 } });
    const again = two.next();
    await settled();
    await two.return?.();
    expect(await again).toEqual({ done: true, value: undefined });
    await settled();
    expect({ watchers: ledger.watchers, tails: tails.size }).toEqual({ watchers: 0, tails: 0 });
  });

  test('one that comes while the last one leaves is not left waiting', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    const leaving = follow(tails, 'a', ledger, 0);
    const staying = follow(tails, 'a', ledger, 0);
    void leaving.next();
    await settled();
    void leaving.return?.();
    const next = staying.next();
    await settled();
    ledger.append(1);
    expect(await next).toEqual({ done: false, value: { at: 1 } });
    await staying.return?.();
  });

  test('a failing read ends those who wait, and whoever comes later begins anew', async () => {
    const ledger = new Ledger();
    const tails = new Tails();
    const streams = [follow(tails, 'a', ledger, 0), follow(tails, 'a', ledger, 0)];
    const waiting = streams.map((stream) => stream.next().catch((error: unknown) => error));
    await settled();
    ledger.failure = new Error('disk');
    ledger.wake();
    expect(await Promise.all(waiting)).toEqual([ledger.failure, ledger.failure]);
    ledger.failure = null;
    ledger.append(2);
    ledger.end();
    expect(await all(follow(tails, 'a', ledger, 0))).toEqual([1, 2]);
    expect(tails.size).toBe(0);
  });

  test('a record that nobody waits on is not read ahead', async () => {
    const ledger = new Ledger();
    ledger.append(1_000);
    const stream = follow(new Tails(), 'a', ledger, 0);
    await stream.next();
    await settled();
    expect(ledger.reads).toBe(1);
    await stream.return?.();
  });
});
