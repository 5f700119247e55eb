import { expect, test } from 'vitest';
import type { JobsUnderTest } from './under-test.ts';
import { chunks, endOf, job, printed, submit } from './under-test.ts';

/** What a job printed. */
export function logPromises(opened: () => JobsUnderTest): void {
  test('logs keep the order of each stream and resume after any cursor', async () => {
    const under = opened();
    const before = Date.now();
    const unfinished = under.dropsUnfinishedLine === true ? [] : ['no end'];
    const script = `for i in 1 2 3; do echo "out $i"; echo "err $i" >&2; sleep 0.03; done
      printf "%s" "${unfinished.join('')}"`;
    const { handle } = await endOf(under, script);
    const lines = await printed(under.jobs, handle);
    const of = (stream: string) =>
      lines.filter((line) => line.stream === stream).map((line) => line.text);
    const out = ['out 1', 'out 2', 'out 3', ...unfinished];
    const err = ['err 1', 'err 2', 'err 3'];
    const all = of('STDOUT').concat(of('STDERR'));
    // Where there is one stream, each line is in it once, and each of the program's own keeps its order.
    expect(all.filter((line) => out.includes(line))).toEqual(out);
    expect(all.filter((line) => err.includes(line))).toEqual(err);
    expect(all).toHaveLength(out.length + err.length);
    const { separatesStreams } = under.backend.capabilities;
    expect(of('STDERR')).toEqual(separatesStreams ? err : []);
    for (const { at } of lines) expect(at).toBeGreaterThanOrEqual(before - 1000);
    const pieces = await chunks(under.jobs, handle);
    for (const [index, chunk] of pieces.entries()) {
      const rest = pieces.slice(index + 1).flatMap((one) => one.lines);
      expect(await printed(under.jobs, handle, chunk.cursor)).toEqual(rest);
    }
  });

  test('a reader that follows a running job by cursors gets every line once', async () => {
    const under = opened();
    const script = 'i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i"; sleep 0.01; done';
    const handle = await submit(under.jobs, job(under.shell(script)));
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let ended = false; ;) {
      for (const chunk of await chunks(under.jobs, handle, cursor)) {
        expect(chunk.lines.length).toBeGreaterThan(0);
        seen.push(...chunk.lines.map((line) => line.text));
        cursor = chunk.cursor;
      }
      if (ended) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
      ended = (await under.jobs.inspect(handle)).phase === 'ENDED';
    }
    expect(seen).toEqual(Array.from({ length: 60 }, (_, index) => `line ${index + 1}`));
  });

  test('a line longer than 16 KiB is cut, and characters stay whole', async () => {
    const under = opened();
    const script = `s=ä漢; while [ \${#s} -lt 20000 ]; do s="$s$s"; done; echo "$s"; echo after`;
    const { handle } = await endOf(under, script);
    const [long, after] = await printed(under.jobs, handle);
    expect(Buffer.byteLength(long?.text ?? '')).toBeLessThanOrEqual(16 * 1024);
    expect(Buffer.byteLength(long?.text ?? '')).toBeGreaterThan(16 * 1024 - 8);
    expect(long?.text).toMatch(/^[ä漢]+…$/);
    expect(after?.text).toBe('after');
  });

  test('bytes that are no text do not break the log', async () => {
    const under = opened();
    const { handle } = await endOf(
      under,
      String.raw`printf 'a\377\376\000b\r\n\033[31mred\n'; echo last`,
    );
    const lines = (await printed(under.jobs, handle)).map((line) => line.text);
    expect(lines).toHaveLength(3);
    expect(lines.at(-1)).toBe('last');
  });
}
