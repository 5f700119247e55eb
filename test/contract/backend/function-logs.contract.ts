import { expect, test } from 'vitest';
import type { FunctionSuite } from './functions-under-test.ts';
import { logs, textsOf } from './functions-under-test.ts';
import { chunks, drain, kindOf, soon } from './under-test.ts';

/** What `FunctionRunner` promises of logs. */
export function functionLogs(suite: () => FunctionSuite): void {
  test('logs are those of all calls, in their order, and go on after a cursor', async () => {
    const { under, deploy, within, answered, predict, untilPrinted } = suite();
    const handle = await deploy();
    // Two calls at once, and neither of them waits for a container.
    await under.functions.warm(handle, 2, within(30_000));
    await under.settled();
    await predict(handle, { print: 'first', complain: 'aside' });
    await untilPrinted(handle, 'first');
    const some = await chunks(under.functions, handle);
    const cursor = some.at(-1)?.cursor ?? null;
    const seen = some.flatMap(({ lines }) => lines);
    expect(seen.map(({ text }) => text)).toContain('first');
    const { separatesStreams } = under.backend.capabilities;
    const aside = seen.filter(({ text }) => text === 'aside').map(({ stream }) => stream);
    expect(separatesStreams ? aside : ['STDERR']).toEqual(['STDERR']);
    for (const line of seen) expect(Math.abs(line.at - Date.now())).toBeLessThan(60_000);
    await under.settled();
    const slow = answered(handle, { print: 'begun before', sleepMs: 2500 });
    await new Promise((next) => setTimeout(next, 100));
    await predict(handle, { print: 'ended before' });
    await untilPrinted(handle, 'ended before');
    const middle = await chunks(under.functions, handle, cursor);
    await slow;
    await untilPrinted(handle, 'begun before');
    const last = await chunks(under.functions, handle, middle.at(-1)?.cursor ?? cursor);
    const texts = [...middle, ...last].flatMap(({ lines }) => lines.map(({ text }) => text));
    expect(texts.toSorted()).toEqual(['begun before', 'ended before']);
    expect(textsOf(last)).toEqual(['begun before']);
    const nothing = await chunks(under.functions, handle, last.at(-1)?.cursor ?? null);
    expect(nothing).toEqual([]);
    expect(await kindOf(() => drain(logs(under.functions, handle, 'no cursor')))).toBe('Rejected');
    await under.backend.release(handle);
  });

  test('a log is read whole from every cursor, and long lines are cut', async () => {
    const { under, deploy, predict, untilPrinted } = suite();
    const handle = await deploy();
    const print = [...Array.from({ length: 1200 }, (_, at) => `line ${at}`)].join('\n');
    await predict(handle, { print });
    await predict(handle, { print: `é${'x'.repeat(20_000)}` });
    await untilPrinted(handle, 'line 1199');
    let texts: readonly string[] = [];
    for (const limit = soon(); texts.length < 1201 && !limit.aborted;) {
      texts = textsOf(await chunks(under.functions, handle));
    }
    expect(texts.slice(0, 1200)).toEqual(Array.from({ length: 1200 }, (_, at) => `line ${at}`));
    expect(texts[1200]).toMatch(/^éx+…$/);
    expect(Buffer.byteLength(texts[1200] ?? '')).toBeLessThanOrEqual(16 * 1024);
    const all = await chunks(under.functions, handle);
    expect(all.length).toBeGreaterThan(1);
    for (const [at, { cursor }] of all.entries()) {
      const rest = await chunks(under.functions, handle, cursor);
      expect(textsOf(rest)).toEqual(textsOf(all.slice(at + 1)));
    }
    await under.backend.release(handle);
  });
}
