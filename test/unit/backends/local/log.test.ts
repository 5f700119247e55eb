import { appendFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LogChunk } from '../../../../backends/contract/job-runner.ts';
import { readLog } from '../../../../backends/work-folder/log-reader.ts';
import { LogWriter } from '../../../../backends/local/supervision/log-writer.ts';
import { segmentPath } from '../../../../backends/work-folder/log-segments.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fathom-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(after: string | null = null): Promise<readonly LogChunk[]> {
  const all: LogChunk[] = [];
  const signal = new AbortController().signal;
  for await (const chunk of readLog(folder, after, signal)) all.push(chunk);
  return all;
}

async function texts(after: string | null = null): Promise<readonly string[]> {
  return (await read(after)).flatMap(({ lines }) => lines.map(({ text }) => text));
}

function writer(limitBytes = 1e9, keep: 'FIRST' | 'LAST' = 'FIRST'): LogWriter {
  return new LogWriter(folder, { limitBytes, keep });
}

test('lines are put together however the bytes arrive', async () => {
  const log = writer();
  const source = log.source('STDOUT');
  const text = 'first ü\r\n\nthird 漢字\nno end';
  for (const byte of Buffer.from(text)) source.push(Buffer.from([byte]));
  source.finish();
  log.close();
  expect(await texts()).toEqual(['first ü', '', 'third 漢字', 'no end']);
});

test('two streams do not mix their lines', async () => {
  const log = writer();
  const [out, err] = [log.source('STDOUT'), log.source('STDERR')];
  out.push(Buffer.from('half '));
  err.push(Buffer.from('whole\n'));
  out.push(Buffer.from('line\n'));
  log.close();
  expect((await read())[0]?.lines.map(({ stream, text }) => [stream, text])).toEqual([
    ['STDERR', 'whole'],
    ['STDOUT', 'half line'],
  ]);
});

test('a cursor is exact at every line, over many segments', async () => {
  const log = writer();
  const source = log.source('STDOUT');
  const line = 'x'.repeat(1000);
  for (let index = 0; index < 40_000; index++) source.push(Buffer.from(`${index} ${line}\n`));
  log.close();
  expect(readdirSync(folder).length).toBeGreaterThan(2);
  const all = await read();
  const count = all.reduce((sum, { lines }) => sum + lines.length, 0);
  expect(count).toBe(40_000);
  let next = 0;
  for (const [index, chunk] of all.entries()) {
    expect(chunk.lines[0]?.text.startsWith(`${next} `)).toBe(true);
    next += chunk.lines.length;
    if (index % 40 !== 0) continue;
    const { value } = await readLog(folder, chunk.cursor, new AbortController().signal).next();
    expect((value as LogChunk | undefined)?.lines[0]?.text.split(' ')[0]).toBe(String(next));
  }
});

test('a writer goes on behind the torn line of one that was killed', async () => {
  const first = writer();
  first.source('STDOUT').push(Buffer.from('whole\n'));
  first.close();
  appendFileSync(segmentPath(folder, 0), '123 O torn');
  const second = writer();
  second.source('STDOUT').push(Buffer.from('after\n'));
  second.close();
  expect(await texts()).toEqual(['whole', 'after']);
  const [chunk] = await read();
  expect(await texts(chunk?.cursor ?? null)).toEqual(['after']);
});

test('of a long-lived log the oldest goes, and a cursor into it goes on at what is left', async () => {
  const log = writer(20 * 1024 * 1024, 'LAST');
  const source = log.source('STDOUT');
  const line = Buffer.from(`${'y'.repeat(9999)}\n`);
  for (let index = 0; index < 8000; index++) source.push(line);
  source.push(Buffer.from('the last\n'));
  log.close();
  const left = await texts('50');
  expect(left.at(-1)).toBe('the last');
  expect(left.length).toBeLessThan(4500);
  expect(left.length).toBeGreaterThan(1900);
  expect(readdirSync(folder).length).toBeLessThan(4);
});

test('a cursor that is none of ours is refused, and one behind the end gives nothing', async () => {
  const log = writer();
  log.source('STDOUT').push(Buffer.from('a\n'));
  log.close();
  for (const cursor of ['x', '-1', '1.5', '']) await expect(read(cursor)).rejects.toThrow(/cursor/);
  expect(await read('999999')).toEqual([]);
});
