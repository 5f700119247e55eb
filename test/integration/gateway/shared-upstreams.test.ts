import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { isResultStream } from '../../../gateway/executor.ts';
import type { ResultStream } from '../../../gateway/executor.ts';
import { kept } from '../../../gateway/upstreams.ts';
import { PART, numbers, read, recorded, sequences, take, until } from './recorded.ts';
import type { Recorded } from './recorded.ts';

let own: Recorded;
const streams: ResultStream[] = [];

// The planner and a server library are loaded once; where other work runs that takes a while.
beforeAll(async () => await (await recorded()).close(), 120_000);

afterEach(async () => {
  for (const stream of streams.splice(0)) await stream.return();
  await own.close();
});

async function reader(options: Parameters<typeof read>[1] = {}): Promise<ResultStream> {
  const stream = await read(own, options);
  streams.push(stream);
  return stream;
}

describe('identical subscriptions at a gateway over subgraphs behind sockets', () => {
  test('share one stream of the subgraph, and one execution with a fresh context for each event', async () => {
    own = await recorded();
    const { counts } = own;
    const readers = await Promise.all(Array.from({ length: 40 }, () => reader()));
    own.append(3);
    const taken = await Promise.all(readers.map((it) => take(it, 3)));
    for (const events of taken) expect(sequences(events)).toEqual([1, 2, 3]);
    expect(counts).toMatchObject({ opened: 1, pulled: 3, contexts: 3 });
    expect(counts.named).toEqual(['n1 for nobody', 'n2 for nobody', 'n3 for nobody']);
    // The same object: its text is written once for all.
    expect(new Set(taken.map(([first]) => first)).size).toBe(1);
    expect(taken[0]?.[0]).toEqual({
      data: { entries: { sequence: 1, who: 'nobody', name: { text: 'the n1' } } },
    });
  });

  test('that come later, from the same beginning or another, have neither a gap nor anything twice, and join', async () => {
    own = await recorded();
    const { counts } = own;
    own.append(10);
    const first = await reader();
    expect(sequences(await take(first, 10))).toEqual(numbers(1, 10));
    const later = await Promise.all([
      reader(),
      reader({ after: 4 }),
      reader({ after: 9 }),
      reader({ after: 10 }),
    ]);
    own.append(5);
    const all = await Promise.all([
      take(later[0], 15),
      take(later[1], 11),
      take(later[2], 6),
      take(later[3], 5),
      take(first, 5),
    ]);
    expect(all.map(sequences)).toEqual([
      numbers(1, 15),
      numbers(5, 15),
      numbers(10, 15),
      numbers(11, 15),
      numbers(11, 15),
    ]);
    expect(counts.opened).toBe(1);
    // What is executed for one beginning is executed for all.
    expect(counts.named.filter((it) => it.startsWith('n15'))).toHaveLength(1);
  });

  test('that come so late that nothing of their beginning is kept read it for themselves, and join where they meet', async () => {
    own = await recorded();
    const { counts } = own;
    const many = kept * 3;
    own.append(many);
    const first = await reader({ query: PART });
    expect(sequences(await take(first, many))).toEqual(numbers(1, many));
    const second = await reader({ query: PART });
    expect(sequences(await take(second, many))).toEqual(numbers(1, many));
    expect(counts).toMatchObject({ opened: 2 });
    own.append(2);
    const both = await Promise.all([take(first, 2), take(second, 2)]);
    expect(both.map(sequences)).toEqual([
      [many + 1, many + 2],
      [many + 1, many + 2],
    ]);
    await until(() => counts.open === 1);
    expect(counts.opened).toBe(2);
  });

  test('one that does not read costs nobody anything, and is caught up from where it stands', async () => {
    own = await recorded();
    const { counts } = own;
    const slow = await reader({ query: PART });
    const fast = await reader({ query: PART });
    own.append(1);
    expect(sequences(await take(slow, 1))).toEqual([1]);
    const many = kept * 5;
    own.append(many);
    expect(sequences(await take(fast, many + 1))).toEqual(numbers(1, many + 1));
    expect(counts.opened).toBe(1);
    // Nothing was kept for it beyond what is kept for all: it reads the log again from its place.
    expect(sequences(await take(slow, many))).toEqual(numbers(2, many + 1));
    expect(counts.opened).toBe(2);
    await until(() => counts.open === 1);
  });

  test('none of whom reads are not read for either', async () => {
    own = await recorded();
    const { counts } = own;
    // An event of 200 KB: few of them fill what sockets hold.
    const many = numbers(1, 25).map((at) => `w${at}: who`);
    const query = `subscription ($after: Int!) { entries(after: $after) { sequence ${many.join(' ')} } }`;
    const options = { query, authorization: `Bearer ${'x'.repeat(8_000)}` };
    await Promise.all([reader(options), reader(options)]);
    await until(() => counts.open === 1);
    own.append(1_000_000);
    let before = -1;
    while (counts.pulled !== before) {
      before = counts.pulled;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(counts.pulled).toBeGreaterThan(0);
    expect(counts.pulled).toBeLessThan(1_000);
  });

  test('leave one after another, and the last closes the stream', async () => {
    own = await recorded();
    const { counts } = own;
    const readers = await Promise.all(Array.from({ length: 5 }, () => reader()));
    own.append(1);
    await Promise.all(readers.map((it) => take(it, 1)));
    const waiting = readers.map((it) => it.next());
    const [last, ...others] = readers;
    for (const other of others) await other.return();
    own.append(1);
    expect(await waiting[0]).toMatchObject({ value: { data: { entries: { sequence: 2 } } } });
    expect(counts).toMatchObject({ opened: 1, open: 1 });
    await last?.return();
    await until(() => counts.open === 0);
    expect(await Promise.all(waiting.slice(1))).toEqual(
      others.map(() => ({ done: true, value: undefined })),
    );
    // Who comes now begins anew.
    expect(sequences(await take(await reader(), 2))).toEqual([1, 2]);
    expect(counts.opened).toBe(2);
  });

  test('of callers with different rights share nothing', async () => {
    own = await recorded();
    const { counts } = own;
    const rights = ['Bearer a', 'Bearer b', undefined];
    const readers = await Promise.all(
      rights.flatMap((authorization) =>
        Array.from({ length: 3 }, () =>
          reader(authorization === undefined ? {} : { authorization }),
        ),
      ),
    );
    own.append(1);
    const seen = (await Promise.all(readers.map((it) => take(it, 1)))).flat() as {
      data: { entries: { who: string } };
    }[];
    expect(seen.map(({ data }) => data.entries.who)).toEqual(
      rights.flatMap((who) => Array.from({ length: 3 }, () => who ?? 'nobody')),
    );
    expect(counts).toMatchObject({ opened: 3, open: 3 });
    expect(counts.named.toSorted()).toEqual([
      'n1 for Bearer a',
      'n1 for Bearer b',
      'n1 for nobody',
    ]);
  });

  test('of other documents share nothing', async () => {
    own = await recorded();
    const [whole, part] = [await reader(), await reader({ query: PART })];
    own.append(1);
    expect(await take(part, 1)).toEqual([{ data: { entries: { sequence: 1 } } }]);
    expect(sequences(await take(whole, 1))).toEqual([1]);
    expect(own.counts.opened).toBe(2);
  });

  test('all end when the record ends, whoever still has to read of it', async () => {
    own = await recorded();
    const [behind, ahead] = [await reader({ query: PART }), await reader({ query: PART })];
    own.append(kept * 2);
    own.end();
    expect(await take(ahead, Infinity)).toHaveLength(kept * 2);
    expect(sequences(await take(behind, Infinity))).toEqual(numbers(1, kept * 2));
    await until(() => own.counts.open === 0);
  });

  test('all are told when the subgraph is gone, and their successors begin anew', async () => {
    own = await recorded();
    const readers = [await reader(), await reader()];
    own.append(1);
    await Promise.all(readers.map((it) => take(it, 1)));
    const waiting = readers.map((it) => take(it, Infinity));
    await own.servers.get('entries')?.close();
    for (const end of await Promise.all(waiting)) {
      expect(end).toMatchObject([
        { errors: [{ extensions: { code: 'SUBGRAPH_UNAVAILABLE', retryable: true } }] },
      ]);
    }
    expect(await take(await reader(), Infinity)).toMatchObject([
      { errors: [{ extensions: { code: 'SUBGRAPH_UNAVAILABLE' } }] },
    ]);
    expect(isResultStream(await reader())).toBe(true);
  });

  test('without positions each have a stream of their own, from their beginning', async () => {
    own = await recorded();
    own.forgetPositions();
    own.append(2);
    const readers = [await reader(), await reader(), await reader({ after: 1 })];
    const taken = await Promise.all([
      take(readers[0] as ResultStream, 2),
      take(readers[1] as ResultStream, 2),
      take(readers[2] as ResultStream, 1),
    ]);
    expect(taken.map(sequences)).toEqual([[1, 2], [1, 2], [2]]);
    for (const one of readers) await one.return();
    await until(() => own.counts.open === 0);
  });
});
