import { expect, test } from 'vitest';
import type { LogPosition } from '../../../../backends/kubernetes/log-lines.ts';
import { advance, stampedLines } from '../../../../backends/kubernetes/log-lines.ts';

async function lines(text: string, after: LogPosition | null, isOver = true, piece = 7) {
  const bytes = Buffer.from(text);
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += piece) yield bytes.subarray(at, at + piece);
  }
  const all = [];
  for await (const line of stampedLines(body(), after, isOver)) all.push(line);
  return all;
}

const log = [
  '2026-08-01T10:00:00Z one',
  '2026-08-01T10:00:00.5Z same',
  '2026-08-01T10:00:00.5Z same',
  '2026-08-01T10:00:00.50000001Z ünï',
  '',
].join('\n');

test('after any line a reader gets exactly the rest, also of equal lines of one time', async () => {
  const all = await lines(log, null);
  expect(all.map(({ text }) => text)).toEqual(['one', 'same', 'same', 'ünï']);
  let position: LogPosition | null = null;
  for (const [index, line] of all.entries()) {
    position = advance(position, line);
    expect(await lines(log, position)).toEqual(all.slice(index + 1));
  }
});

test('a line without an end is held back until the program is over', async () => {
  const torn = `${log}2026-08-01T10:00:02Z torn`;
  expect(await lines(torn, null, false)).toHaveLength(4);
  expect((await lines(torn, null, true)).at(-1)?.text).toBe('torn');
});

test('a long line is cut at a character and keeps no more than is shown', async () => {
  const [line] = await lines(`2026-08-01T10:00:00Z ${'漢'.repeat(100_000)}\n`, null, true, 4096);
  expect(Buffer.byteLength(line?.text ?? '')).toBeLessThanOrEqual(16 * 1024);
  expect(line?.text).toMatch(/^漢+…$/);
});
