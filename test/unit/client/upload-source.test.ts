import { describe, expect, test } from 'vitest';
import { uploadSource } from '../../../codegen/client/upload-source.ts';

const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);

function streamOf(size: number): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.slice(at, (at += size)));
    },
  });
}

describe.each([
  ['bytes', () => bytes],
  ['a blob', () => new Blob([bytes])],
  ['a stream of small pieces', () => streamOf(7)],
  ['a stream of one piece', () => streamOf(1000)],
])('parts of %s', (_name, make) => {
  test('are the bytes asked for, the last part twice, then nothing', async () => {
    const source = uploadSource(make());
    expect([...(await source.read(0, 30))]).toEqual([...bytes.slice(0, 30)]);
    expect([...(await source.read(30, 30))]).toEqual([...bytes.slice(30, 60)]);
    // The server took 10 of the last part only.
    expect([...(await source.read(40, 30))]).toEqual([...bytes.slice(40, 70)]);
    expect([...(await source.read(70, 60))]).toEqual([...bytes.slice(70)]);
    expect([...(await source.read(100, 10))]).toEqual([]);
    await source.close();
  });

  test('begin where the server stands', async () => {
    const source = uploadSource(make());
    expect([...(await source.read(55, 10))]).toEqual([...bytes.slice(55, 65)]);
    await source.close();
  });
});

test('a stream is not read back', async () => {
  const source = uploadSource(streamOf(10));
  await source.read(50, 10);
  await expect(source.read(20, 10)).rejects.toThrow('cannot be read again');
});
