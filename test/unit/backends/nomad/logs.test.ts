import { expect, test } from 'vitest';
import type { LogFrame } from '../../../../backends/nomad/log-frames.ts';
import { logFrames } from '../../../../backends/nomad/log-frames.ts';
import type { LogLine, LogPosition } from '../../../../backends/nomad/log-lines.ts';
import { bytesBefore, firstCounted, logLines } from '../../../../backends/nomad/log-lines.ts';

async function* pieces(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function* framed(...list: readonly (readonly [number, string])[]): AsyncGenerator<LogFrame> {
  for (const [file, text] of list) yield { file, data: Buffer.from(text) };
}

const frame = (file: number, text: string): string =>
  JSON.stringify({
    Data: Buffer.from(text).toString('base64'),
    File: `alloc/logs/main.stdout.${file}`,
    Offset: 1,
  });

test.each([1, 2, 7, 1000])(
  'frames cut every %i bytes are read whole, heartbeats passed over',
  async (size) => {
    const said = `{}${frame(0, 'ä')}{}${frame(0, 'b}{"\n')}{"FileEvent":"file deleted"}\n${frame(12, 'c')}{"Da`;
    const read = (await all(logFrames(pieces(said, size)))).map(({ file, data }) => [
      file,
      data.toString('utf8'),
    ]);
    expect(read).toEqual([
      [0, 'ä'],
      [0, 'b}{"\n'],
      [12, 'c'],
    ]);
  },
);

const texts = (lines: readonly LogLine[]): readonly string[] => lines.map(({ text }) => text);

test('lines go on over files, and each position leads to what follows', async () => {
  const list = [
    [3, 'one\ntw'],
    [3, 'o\nth'],
    [4, 'ree\nfour\n'],
  ] as const;
  const lines = await all(logLines(framed(...list), null, false));
  expect(texts(lines)).toEqual(['one', 'two', 'three', 'four']);
  const positions = lines.map(({ position }) => position);
  expect(positions.map(({ file, offset }) => [file, offset])).toEqual([
    [3, 4],
    [3, 8],
    [4, 4],
    [4, 9],
  ]);
  const last = positions.at(-1) as LogPosition;
  expect(firstCounted(last)).toBe(3);
  expect([bytesBefore(last, 3), bytesBefore(last, 4), bytesBefore(last, 5)]).toEqual([19, 9, 0]);
});

test('a last line without an end is held back until it is over', async () => {
  expect(texts(await all(logLines(framed([0, 'a\nb']), null, false)))).toEqual(['a']);
  expect(texts(await all(logLines(framed([0, 'a\nb']), null, true)))).toEqual(['a', 'b']);
});

test('a reader at the end of a file goes on at the beginning of the next', async () => {
  const from = { file: 0, offset: 100, sizes: {} };
  const [line] = await all(logLines(framed([1, 'next\n']), from, false));
  expect(line?.position).toEqual({ file: 1, offset: 5, sizes: { 0: 100 } });
});

test('long lines are cut between characters, carriage returns go', async () => {
  const [cut, after] = texts(
    await all(logLines(framed([0, `${'漢'.repeat(6000)}\r\nx\r\n`]), null, false)),
  );
  expect(Buffer.byteLength(cut ?? '')).toBeLessThanOrEqual(16 * 1024);
  expect(cut).toMatch(/^漢+…$/);
  expect(after).toBe('x');
});
