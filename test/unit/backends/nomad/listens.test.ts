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
const refuses = (socket: Socket): void => {
  socket.once('data', () => socket.end('HTTP/1.1 405 Method Not Allowed\r\n\r\n'));
};

test('a server that answers listens, whatever it says', async () => {
  expect(await listens({ id: 'a', origin: await serverThat(refuses) }, false)).toBe(true);
});

test('a server that keeps a connection listens, also when it is too busy to say anything', async () => {
  expect(await listens({ id: 'a', origin: await serverThat(keeps) }, false)).toBe(true);
});

test('what takes a connection and drops it, as a published port of a container does, does not', async () => {
  const ends = await serverThat((socket) => socket.end());
  const resets = await serverThat((socket) => socket.resetAndDestroy());
  const late = await serverThat((socket) => void setTimeout(() => socket.destroy(), 600));
  expect(await listens({ id: 'a', origin: ends }, false)).toBe(false);
  expect(await listens({ id: 'a', origin: resets }, false)).toBe(false);
  expect(await listens({ id: 'a', origin: late }, false)).toBe(false);
});

test('of one that answered before, a connection tells, and nothing is asked', async () => {
  let asked = false;
  const origin = await serverThat((socket) => void socket.once('data', () => (asked = true)));
  expect(await listens({ id: 'a', origin }, true)).toBe(true);
  expect(asked).toBe(false);
});

test('a port where nobody is does not', async () => {
  expect(await listens({ id: 'a', origin: 'http://127.0.0.1:1' }, false)).toBe(false);
});
