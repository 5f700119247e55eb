import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig } from '../../../server/config.ts';
import { listenForSites } from '../../../server/site-listener.ts';
import { sample } from '../../contract/blob-store.contract.ts';
import { Dock } from '../launcher/dock.ts';
import { Caller } from './delivery-requests.ts';

let dock: Dock;
beforeEach(async () => {
  dock = await Dock.open();
});
afterEach(() => dock.destroy());

test('the address of sites serves deliveries and their data, and nothing else', async () => {
  const config = { ...readConfig('/', {}), sites: { host: '127.0.0.1', port: await freePort() } };
  const url = `http://127.0.0.1:${config.sites.port}`;
  const sites = await listenForSites(
    { ...config, sites: { ...config.sites, url } },
    dock.installation(),
    () => undefined,
  );
  try {
    const opened = await dock.opened('one', [await dock.blob('x', sample(1000))]);
    const delivery = { ...opened, url: opened.url.replace(/^http:..[^/]+/, url) };
    const caller = new Caller(delivery);
    const { body } = await caller.send('GET', 'manifest');
    const { inputs } = body as { inputs: { url: string }[] };
    const data = await fetch(new URL(inputs[0]?.url ?? '', `${delivery.url}/manifest`));
    expect(Buffer.from(await data.arrayBuffer())).toEqual(sample(1000));
    await caller.claim();
    expect((await caller.put('a', sample(10))).status).toBe(201);
    for (const path of ['/graphql', '/uploads/upl_1', '/healthz', '/']) {
      expect((await fetch(`${url}${path}`)).status).toBe(404);
    }
  } finally {
    await sites.close();
  }
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}
