import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createClient } from '../../../codegen/client/client.ts';

const mebibyte = 1024 * 1024;
const bytes = Uint8Array.from({ length: 9 * mebibyte + 123 }, (_, i) => (i * 31 + (i >> 8)) & 255);

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(null));
});

interface Behaviour {
  /** What the server has before the first request. */
  readonly has?: number;
  /** Cuts part `turn` after so many bytes; those are kept. */
  readonly cutAfter?: (turn: number) => number | null;
  /** Takes part `turn` and cuts before the answer. */
  readonly loseAnswer?: (turn: number) => boolean;
  /** How the last part is answered. */
  readonly end?: { readonly status: number; readonly body: string };
}

/** A server of the tus core protocol that misbehaves as told. */
async function serve(behaviour: Behaviour) {
  const stored: Buffer[] = [Buffer.from(bytes.subarray(0, behaviour.has ?? 0))];
  const held = (): number => stored.reduce((sum, part) => sum + part.length, 0);
  const seen: string[] = [];
  let turns = 0;
  server = createServer((request, response) => {
    const offset = Number(request.headers['upload-offset']);
    seen.push(request.method === 'HEAD' ? 'HEAD' : `PATCH ${offset}`);
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'upload-offset': held(), 'upload-length': bytes.length }).end();
      return;
    }
    if (offset !== held()) {
      request.resume();
      response.writeHead(409).end();
      return;
    }
    const turn = turns++;
    const cutAt = behaviour.cutAfter?.(turn) ?? null;
    let taken = 0;
    request.on('data', (chunk: Buffer) => {
      const rest = cutAt === null ? chunk.length : cutAt - taken;
      if (rest <= 0) return;
      stored.push(chunk.subarray(0, rest));
      taken += Math.min(rest, chunk.length);
      if (cutAt !== null && taken >= cutAt) request.socket.destroy();
    });
    request.on('end', () => {
      if (behaviour.loseAnswer?.(turn) === true) request.socket.destroy();
      else if (held() === bytes.length && behaviour.end !== undefined) {
        response.writeHead(behaviour.end.status, { 'content-type': 'application/json' });
        response.end(behaviour.end.body);
      } else response.writeHead(204, { 'upload-offset': held() }).end();
    });
    request.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = createClient({
    url: 'http://127.0.0.1:1/graphql',
    retry: { requests: { initialMs: 1, maximumMs: 3 } },
  });
  return {
    url: `http://127.0.0.1:${port}/uploads/1`,
    client,
    seen,
    stored: () => Buffer.concat(stored),
  };
}

const bodies: [string, () => Uint8Array | Blob | ReadableStream<Uint8Array>][] = [
  ['bytes', () => bytes],
  ['a file', () => new File([bytes], 'data.bin')],
  ['a stream', () => new Blob([bytes]).stream()],
];

describe.each(bodies)('uploading %s', (_name, body) => {
  test('sends parts and tells how far it came', async () => {
    const { url, client, seen, stored } = await serve({});
    const told: number[] = [];
    await client.upload(url, body(), { onProgress: (sent) => told.push(sent) });
    expect(stored().equals(bytes)).toBe(true);
    expect(seen).toEqual(['HEAD', 'PATCH 0', `PATCH ${4 * mebibyte}`, `PATCH ${8 * mebibyte}`]);
    expect(told).toEqual([0, 4 * mebibyte, 8 * mebibyte, bytes.length]);
  });

  test('goes on where an earlier upload stopped', async () => {
    const { url, client, seen, stored } = await serve({ has: 5 * mebibyte + 1 });
    await client.upload(url, body());
    expect(stored().equals(bytes)).toBe(true);
    expect(seen).toEqual(['HEAD', `PATCH ${5 * mebibyte + 1}`, `PATCH ${9 * mebibyte + 1}`]);
  });

  test('survives a cut inside a part and a lost answer', async () => {
    const { url, client, stored } = await serve({
      cutAfter: (turn) => (turn === 0 ? 100_000 : null),
      loseAnswer: (turn) => turn === 1,
    });
    await client.upload(url, body());
    expect(stored().equals(bytes)).toBe(true);
  });
});

describe('an upload', () => {
  test('that the server refuses for its digest is refused with that code', async () => {
    const end = { status: 422, body: '{"code":"DIGEST_MISMATCH","message":"Other bytes."}' };
    const { url, client } = await serve({ end });
    await expect(client.upload(url, bytes)).rejects.toMatchObject({
      name: 'DigestMismatchError',
      message: 'Other bytes.',
    });
  });

  test('of fewer bytes than announced says so', async () => {
    const { url, client } = await serve({});
    await expect(client.upload(url, bytes.subarray(0, 10))).rejects.toThrow('There are 10 bytes');
  });

  test('that is complete already sends nothing', async () => {
    const { url, client, seen } = await serve({ has: bytes.length });
    await client.upload(url, bytes);
    expect(seen).toEqual(['HEAD']);
  });

  test('ends with the reason of the abort', async () => {
    const { url, client } = await serve({});
    const controller = new AbortController();
    const onProgress = (sent: number): void => {
      if (sent > 0) controller.abort(new Error('enough'));
    };
    await expect(
      client.upload(url, bytes, { signal: controller.signal, onProgress }),
    ).rejects.toThrow('enough');
  });
});
