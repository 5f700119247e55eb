import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { type Harbour, linkLifetime, openHarbour } from './harbour.ts';

describe('blobs over HTTP', () => {
  let harbour: Harbour;
  let url: string;
  let sha256: string;
  const content = sample(200_000);
  beforeEach(async () => {
    harbour = await openHarbour();
    ({ sha256 } = await harbour.shop.at.blobs.put(content));
    url = harbour.links.blob(sha256, 'weights.bin');
  });
  afterEach(() => harbour.destroy());

  const body = async (answer: Response) => Buffer.from(await answer.arrayBuffer());

  test('a blob is offered as a file to save, never as a page', async () => {
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    expect(await body(answer)).toEqual(content);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-length': '200000',
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="weights.bin"; filename*=UTF-8''weights.bin`,
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, max-age=31536000, immutable',
      etag: `"${sha256}"`,
    });
  });

  test('HEAD tells the same without the bytes', async () => {
    const answer = await fetch(url, { method: 'HEAD' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-length')).toBe('200000');
    expect((await body(answer)).length).toBe(0);
  });

  test('ranges give their bytes', async () => {
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-199', 100, 200],
      ['bytes=199999-', 199_999, 200_000],
      ['bytes=-5', 199_995, 200_000],
      ['bytes=150000-999999', 150_000, 200_000],
    ] as const) {
      const answer = await fetch(url, { headers: { range } });
      expect(answer.status).toBe(206);
      expect(answer.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/200000`);
      expect(await body(answer)).toEqual(content.subarray(start, end));
    }
  });

  test('a range that is not there is 416; one that makes no sense is ignored', async () => {
    for (const range of ['bytes=200000-', 'bytes=-0']) {
      const answer = await fetch(url, { headers: { range } });
      expect(answer.status).toBe(416);
      expect(answer.headers.get('content-range')).toBe('bytes */200000');
    }
    for (const range of ['bytes=5-1', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=-', 'bytes=a-b']) {
      const answer = await fetch(url, { headers: { range } });
      expect(answer.status).toBe(200);
      expect((await body(answer)).length).toBe(200_000);
    }
  });

  test('what the client has is not sent again, and a range of another content is not cut', async () => {
    const known = await fetch(url, { headers: { 'if-none-match': `W/"x", "${sha256}"` } });
    expect(known.status).toBe(304);
    const other = await fetch(url, { headers: { range: 'bytes=0-9', 'if-range': '"other"' } });
    expect(other.status).toBe(200);
    expect((await body(other)).length).toBe(200_000);
  });

  test('names of every kind arrive whole and inject nothing', async () => {
    for (const name of [
      'bücher 1.csv',
      'a"b\\c.txt',
      "it's (1).png",
      'x\r\ny',
      '%2e%2e',
      '日本.idx',
    ]) {
      const answer = await fetch(harbour.links.blob(sha256, name));
      expect(answer.status).toBe(200);
      const header = answer.headers.get('content-disposition') ?? '';
      expect(decodeURIComponent(header.split("UTF-8''")[1] ?? '')).toBe(name);
      await answer.arrayBuffer();
    }
  });

  test('a forged, moved or expired link is as unknown as an unknown blob', async () => {
    const { sha256: other } = await harbour.shop.at.blobs.put(sample(5));
    const unknown = harbour.links.blob('0'.repeat(64), 'x');
    const bad = [
      url.replace(sha256, other),
      url.replace('weights.bin', 'weights.html'),
      url.split('?')[0] ?? '',
      `${url}x.y`,
      unknown,
    ];
    for (const forged of bad) {
      const answer = await fetch(forged);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(harbour.links.resolve(url)).toEqual({ sha256 });
    for (const forged of [...bad.slice(0, 4), 'no url', 'http://x/blobs/%', unknown.slice(0, -9)]) {
      expect(harbour.links.resolve(forged)).toBe(null);
    }
    harbour.shop.wait(linkLifetime * 2 * 1000);
    expect((await fetch(url)).status).toBe(404);
    expect(harbour.links.resolve(url)).toBe(null);
  });

  test('a link stays the same for a while, so that caches can use it', () => {
    harbour.shop.wait(1000);
    url = harbour.links.blob(sha256, 'weights.bin');
    harbour.shop.wait(1000);
    expect(harbour.links.blob(sha256, 'weights.bin')).toBe(url);
    harbour.shop.wait(linkLifetime * 1000);
    expect(harbour.links.blob(sha256, 'weights.bin')).not.toBe(url);
  });

  test('a reader that goes away in the middle disturbs nobody', async () => {
    const stop = new AbortController();
    const answer = await fetch(url, { signal: stop.signal });
    await answer.body?.getReader().read();
    stop.abort();
    expect(await body(await fetch(url))).toEqual(content);
    expect(harbour.problems).toEqual([]);
  });
});

describe('slow readers', () => {
  test('a reader that takes nothing is let go, and costs no memory but a buffer', async () => {
    const harbour = await openHarbour({ idleMs: 100 });
    try {
      const { sha256 } = await harbour.shop.at.blobs.put(Buffer.alloc(40_000_000));
      const { pathname, search } = new URL(harbour.links.blob(sha256, 'big'));
      const socket = connect(harbour.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.pause();
      socket.write(`GET ${pathname}${search} HTTP/1.1\r\nhost: x\r\n\r\n`);
      while ((await harbour.connections()) === 0) await new Promise((next) => setTimeout(next, 5));
      while ((await harbour.connections()) > 0) await new Promise((next) => setTimeout(next, 10));
      let received = 0;
      socket.on('data', (chunk) => (received += chunk.length));
      const closed = once(socket, 'close');
      socket.resume();
      await closed;
      expect(received).toBeLessThan(40_000_000);
      socket.destroy();
    } finally {
      await harbour.destroy();
    }
  });
});
