import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { listens } from '../../../../backends/nomad/passing.ts';

async function serverThat(takes: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    takes(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const keeps = (): void => undefined;

test('a server that keeps a connection listens, also when it says nothing', async () => {
  expect(await listens({ id: 'a', origin: await serverThat(keeps) })).toBe(true);
});

test('what takes a connection and drops it, as a published port of a container does, does not', async () => {
  const ends = await serverThat((socket) => socket.end());
  const resets = await serverThat((socket) => socket.resetAndDestroy());
  expect(await listens({ id: 'a', origin: ends })).toBe(false);
  expect(await listens({ id: 'a', origin: resets })).toBe(false);
});

test('a port where nobody is does not', async () => {
  expect(await listens({ id: 'a', origin: 'http://127.0.0.1:1' })).toBe(false);
});
