import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { alice, sha256 } from '../datasets/surroundings.ts';
import {
  announced,
  brokenPart,
  type Harbour,
  linkLifetime,
  offsetOf,
  onDisk,
  openHarbour,
  sendPart,
} from './harbour.ts';

describe('uploads over HTTP', () => {
  let harbour: Harbour;
  beforeEach(async () => {
    harbour = await openHarbour();
  });
  afterEach(() => harbour.destroy());

  const stateOf = async (id: string) =>
    (await harbour.shop.datasets.uploads.byId(alice, [id]))[0]?.state;

  test('a file goes up in parts, and is complete with the last', async () => {
    const content = sample(300_000);
    const { id, url } = await announced(harbour, content);
    expect(await offsetOf(url)).toBe(0);
    for (let at = 0; at < content.length; at += 100_000) {
      const response = await sendPart(url, at, content.subarray(at, at + 100_000));
      expect(response.status).toBe(204);
      expect(response.headers.get('upload-offset')).toBe(String(at + 100_000));
      expect(response.headers.get('tus-resumable')).toBe('1.0.0');
    }
    expect(await stateOf(id)).toBe('COMPLETE');
    expect(await offsetOf(url)).toBe(300_000);
    const head = await fetch(url, { method: 'HEAD' });
    expect(head.headers.get('upload-length')).toBe('300000');
    expect(head.headers.get('cache-control')).toBe('no-store');
    expect(harbour.problems).toEqual([]);
  });

  test('a part cut at any byte is resumed where it stands, also by a restarted server', async () => {
    const content = sample(5000);
    const { id, url: first } = await announced(harbour, content);
    let at = 0;
    for (const [turn, cut] of [0, 1, 7, 1000, 1024, 2500].entries()) {
      const url = harbour.links.upload(id);
      const socket = await brokenPart(url, at, content.length - at, content.subarray(at, at + cut));
      await onDisk(harbour, url, at + cut);
      socket.destroy();
      at = await offsetOf(url);
      if (turn % 2 === 1) harbour = await harbour.restart();
    }
    expect(at).toBeGreaterThan(0);
    const url = harbour.links.upload(id);
    expect(new URL(url).search).toBe(new URL(first).search);
    expect((await sendPart(url, at, content.subarray(at))).status).toBe(204);
    expect(await stateOf(id)).toBe('COMPLETE');
    expect(await harbour.shop.at.blobs.has(sha256(content))).toBe(true);
  });

  test('asking where it stands ends a part that hangs on a dead connection', async () => {
    const content = sample(2000);
    const { id, url } = await announced(harbour, content);
    const socket = await brokenPart(url, 0, 2000, content.subarray(0, 700));
    await onDisk(harbour, url, 700);
    expect(await offsetOf(url)).toBe(700);
    expect((await sendPart(url, 700, content.subarray(700))).status).toBe(204);
    expect(await stateOf(id)).toBe('COMPLETE');
    socket.destroy();
  });

  test('the same part twice is refused the second time and changes nothing', async () => {
    const content = sample(1000);
    const { id, url } = await announced(harbour, content);
    expect((await sendPart(url, 0, content.subarray(0, 400))).status).toBe(204);
    const again = await sendPart(url, 0, content.subarray(0, 400));
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: 'WRONG_STATE' });
    expect(await offsetOf(url)).toBe(400);
    expect((await sendPart(url, 400, content.subarray(400))).status).toBe(204);
    expect((await sendPart(url, 400, content.subarray(400))).status).toBe(409);
    expect(await stateOf(id)).toBe('COMPLETE');
  });

  test('of two parts at once one is taken', async () => {
    const content = sample(200_000);
    const { id, url } = await announced(harbour, content);
    const answers = await Promise.all([sendPart(url, 0, content), sendPart(url, 0, content)]);
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([204, 409]));
    expect(await stateOf(id)).toBe('COMPLETE');
  });

  test('a file with another digest is refused with 422 and stays refused', async () => {
    const content = sample(1000);
    const { id, url } = await announced(harbour, content, sha256('another'));
    const answer = await sendPart(url, 0, content);
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ code: 'DIGEST_MISMATCH' });
    expect(await stateOf(id)).toBe('REFUSED');
    expect(await offsetOf(url)).toBe(-410);
    expect((await sendPart(url, 0, content)).status).toBe(409);
  });

  test('a part with a wrong checksum does not count and may be sent again', async () => {
    const content = sample(1000);
    const { url } = await announced(harbour, content);
    const part = content.subarray(0, 600);
    const checksum = (bytes: Uint8Array) => ({
      'upload-checksum': `sha256 ${Buffer.from(sha256(bytes), 'hex').toString('base64')}`,
    });
    const damaged = await sendPart(url, 0, part, checksum(content));
    expect(damaged.status).toBe(460);
    expect(await offsetOf(url)).toBe(0);
    expect((await sendPart(url, 0, part, checksum(part))).status).toBe(204);
    expect((await sendPart(url, 600, part, { 'upload-checksum': 'md5 x' })).status).toBe(400);
    expect(await offsetOf(url)).toBe(600);
  });

  test('a forged, foreign, changed or expired link is as unknown as an unknown upload', async () => {
    const content = sample(10);
    const { id, url } = await announced(harbour, content);
    const other = await announced(harbour, sample(11));
    const token = new URL(url).searchParams.get('token') ?? '';
    const base = url.split('?')[0];
    const [expiry = '', signature = ''] = token.split('.');
    const later = (Number.parseInt(expiry, 36) + 1000).toString(36);
    const bad = [
      `${base}`,
      `${base}?token=`,
      `${base}?token=${expiry}.${'A'.repeat(43)}`,
      `${base}?token=${later}.${signature}`,
      `${base}?token=${token}.x`,
      `${base}?token=__proto__`,
      `${other.url.split('?')[0]}?token=${token}`,
      url.replace(id, 'upl_00000000000000000000000000'),
      url.replace(id, '..%2f..%2fetc%2fpasswd'),
    ];
    const bodies = new Set<string>();
    for (const forged of bad) {
      const answer = await sendPart(forged, 0, content);
      expect(answer.status).toBe(404);
      bodies.add(await answer.text());
      expect(await offsetOf(forged)).toBe(-404);
    }
    expect(bodies.size).toBe(1);
    harbour.shop.wait(linkLifetime * 2 * 1000);
    expect(await offsetOf(url)).toBe(-404);
    expect(await stateOf(id)).toBe('OPEN');
  });

  test('a malformed part is 400 and changes nothing', async () => {
    const { url } = await announced(harbour, sample(10));
    const wrong = [
      { 'upload-offset': '-1' },
      { 'upload-offset': '1e3' },
      { 'upload-offset': '' },
      { 'content-type': 'application/json' },
      { 'content-type': 'text/plain' },
      { 'content-encoding': 'gzip' },
      { 'tus-resumable': '0.2.2' },
    ];
    for (const headers of wrong) {
      expect((await sendPart(url, 0, sample(10), headers)).status).toBe(400);
    }
    expect(await offsetOf(url)).toBe(0);
  });

  test('more bytes than were announced are 413', async () => {
    const content = sample(100_000);
    const { id, url } = await announced(harbour, content.subarray(0, 1000));
    const answer = await sendPart(url, 0, content);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ code: 'TOO_LARGE' });
    expect(await stateOf(id)).not.toBe('REFUSED');
  });

  test('an aborted upload is gone', async () => {
    const { id, url } = await announced(harbour, sample(10));
    await sendPart(url, 0, sample(10).subarray(0, 5));
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(204);
    expect(await stateOf(id)).toBe('REFUSED');
    expect(await offsetOf(url)).toBe(-410);
  });

  test('the protocol is told', async () => {
    const answer = await fetch(`http://127.0.0.1:${harbour.port}/uploads/x`, { method: 'OPTIONS' });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('tus-extension')).toBe('checksum,expiration,termination');
  });

  test('stopping the server ends a part under way and keeps what came', async () => {
    const content = sample(3000);
    const { id, url } = await announced(harbour, content);
    const socket = await brokenPart(url, 0, 3000, content.subarray(0, 1234));
    await onDisk(harbour, url, 1234);
    harbour = await harbour.restart();
    expect(await offsetOf(harbour.links.upload(id))).toBe(1234);
    socket.destroy();
  });
});

describe('slow and many uploads', () => {
  let harbour: Harbour;
  afterEach(() => harbour.destroy());

  test('a silent client is let go with 408, and what it sent is kept', async () => {
    harbour = await openHarbour({ idleMs: 50 });
    const content = sample(1000);
    const { url } = await announced(harbour, content);
    const socket = await brokenPart(url, 0, 1000, content.subarray(0, 10));
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1.1 408 /);
    expect(String(answer)).toContain('DEADLINE_EXCEEDED');
    expect(await offsetOf(url)).toBe(10);
    socket.destroy();
  });

  test('a client that trickles is let go too', async () => {
    harbour = await openHarbour({ idleMs: 2000, windowMs: 60, windowBytes: 1000 });
    const content = sample(100_000);
    const { url } = await announced(harbour, content);
    const socket = await brokenPart(url, 0, 100_000, content.subarray(0, 1));
    const answered = once(socket, 'data');
    let next = 1;
    const trickle = setInterval(() => socket.write(content.subarray(next, ++next)), 20);
    const [answer] = await answered;
    clearInterval(trickle);
    expect(String(answer)).toMatch(/^HTTP\/1.1 408 /);
    expect(await offsetOf(url)).toBeGreaterThan(0);
    socket.destroy();
  });

  test('beyond the limit of parts at once a client is told to come again', async () => {
    harbour = await openHarbour({ parts: 1 });
    const hanging = await announced(harbour, sample(100));
    const other = await announced(harbour, sample(101));
    const socket = await brokenPart(hanging.url, 0, 100, sample(100).subarray(0, 1));
    await onDisk(harbour, hanging.url, 1);
    const refused = await sendPart(other.url, 0, sample(101));
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await offsetOf(hanging.url)).toBe(1);
    expect((await sendPart(other.url, 0, sample(101))).status).toBe(204);
    socket.destroy();
  });
});
