import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RawClient } from '../edge/socket-client.ts';
import { writeModule } from './scripted-module.ts';
import { announce, bringData, eventually, partHeaders, Server } from './server.ts';

let modules: string;
let server: Server;
let run: string;

beforeAll(async () => {
  modules = await mkdtemp(join(tmpdir(), 'fathom-endless-modules-'));
  await writeModule(modules, 'endless', {
    train: `for (;;) { console.log('here'); await sleep(100); }`,
  });
  server = await Server.start({ modules });
  const datasetVersionId = await bringData(server);
  const { latestVersion } = await server.field<{ latestVersion: { id: string } }>(
    '{ module(slug: "endless") { latestVersion { id } } }',
  );
  const { trainingRun } = await server.change<{ trainingRun: { id: string } }>(
    'createTrainingRun',
    'CreateTrainingRunInput',
    { moduleVersionId: latestVersion.id, datasetVersionId },
    'trainingRun { id }',
  );
  run = trainingRun.id;
}, 60_000);

afterAll(async () => {
  await server.destroy();
  await rm(modules, { recursive: true });
});

const open = () => readdirSync(`/proc/${server.pid}/fd`).length;
test.skipIf(process.platform !== 'linux')(
  'hundreds of readers that vanish leave no connection behind',
  async () => {
    await eventually(
      () => server.field<{ state: string }>(`{ trainingRun(id: "${run}") { state } }`),
      ({ state }) => state === 'RUNNING',
    );
    const quiet = open();
    await vanish(300);
    await eventually(open, (now) => now <= quiet + 5);
    expect(await server.ask('{ __typename }')).toEqual({ data: { __typename: 'Query' } });
    expect(server.said).not.toMatch(/"level":"error"/u);
  },
);

test('an upload whose sender vanishes can be gone on with at once', async () => {
  const { dataset } = await server.change<{ dataset: { id: string } }>(
    'createDataset',
    'CreateDatasetInput',
    { name: `vanishing-${randomUUID()}` },
    'dataset { id }',
  );
  const bytes = Buffer.alloc(20_000_000, 'v');
  const upload = await announce(server, dataset.id, 'a.bin', bytes);
  const kept = join(server.state, 'storage', 'uploads', upload.id);
  let offset = 0;
  for (let round = 0; round < 5; round += 1) {
    const { pathname, search } = new URL(upload.url);
    const before = offset;
    await speak(
      `PATCH ${pathname}${search} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${bytes.length - before}\r\n${Object.entries(
        partHeaders(before),
      )
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n${'v'.repeat(1_000_000)}`,
      () =>
        eventually(
          () => statSync(kept, { throwIfNoEntry: false })?.size ?? 0,
          (size) => size > before,
        ),
    );
    const told = await fetch(upload.url, { method: 'HEAD' });
    offset = Number(told.headers.get('upload-offset'));
    expect(offset).toBeGreaterThan(before);
  }
  const last = await fetch(upload.url, {
    method: 'PATCH',
    headers: partHeaders(offset),
    body: new Uint8Array(bytes.subarray(offset)),
  });
  expect([last.status, last.headers.get('upload-offset')]).toEqual([204, '20000000']);
});

test('a socket that is asked for while the server stops does not keep it', async () => {
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  // A request that has begun is waited for.
  socket.write('GET /graphql HTTP/1.1\r\nhost: localhost\r\n');
  await sleep(100);
  const stopped = server.stop();
  await sleep(500);
  socket.write(
    `connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\n\r\n`,
  );
  await stopped;
  await expect(fetch(server.url)).rejects.toThrow('fetch failed');
  socket.destroy();
});

/** Half of them over WebSockets, half over event streams; each has got something, and then is gone without a word. */
async function vanish(count: number): Promise<void> {
  const query = `subscription { trainingRunLog(id: "${run}", after: 0) { offset } }`;
  const body = JSON.stringify({ query });
  const request = `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\naccept: text/event-stream\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  for (let done = 0; done < count; done += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        if (at % 2 === 0) return speak(request, 'event: next');
        const client = await new RawClient(server.url).init();
        client.subscribe('1', query);
        await client.until(({ type }) => type === 'next');
        client.socket.terminate();
        await client.closed;
      }),
    );
  }
}

/** Says this, and is gone by a reset once it heard that, or without a word once that has come to pass. */
async function speak(words: string, until: string | (() => Promise<unknown>)): Promise<void> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  await new Promise((resolve) => socket.write(words, resolve));
  if (typeof until === 'string') {
    let heard = '';
    while (!heard.includes(until)) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      heard += chunk.toString();
    }
    socket.resetAndDestroy();
  } else {
    await until();
    socket.destroy();
  }
  if (!socket.closed) await once(socket, 'close');
}
