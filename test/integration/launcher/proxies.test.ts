import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type RequestListener } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sample } from '../../contract/blob-store.contract.ts';
import { Dock, listed } from './dock.ts';

let dock: Dock;
let servers: Server[] = [];
beforeEach(async () => {
  dock = await Dock.open();
});
afterEach(async () => {
  for (const server of servers) server.close();
  servers = [];
  await dock.destroy();
});

test('where the site wants a proxy used, everything goes by way of it', async () => {
  const asked: string[] = [];
  const permissions = new Set<string | undefined>();
  const proxy = await listening(
    createServer((incoming, outgoing) => {
      asked.push(incoming.url ?? '');
      permissions.add(incoming.headers['proxy-authorization']);
      forward(dock.port)(incoming, outgoing);
    }),
  );
  const opened = await dock.opened('one', [await dock.blob('x', sample(10))]);
  const delivery = { ...opened, url: opened.url.replace(/127[^/]+/, 'ml.site.test') };
  const environment = { http_proxy: `http://me:p%40ss@127.0.0.1:${proxy}` };
  const args = ['run', '--', '/bin/cp', 'x', 'out/x'];
  const { ended } = dock.launch(delivery, await dock.workFolder(), args, environment);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(await listed(await dock.received('one'))).toEqual(['x']);
  expect([...permissions]).toEqual([`Basic ${btoa('me:p@ss')}`]);
  expect(asked.every((url) => url.startsWith('http://ml.site.test/'))).toBe(true);
  expect(asked.some((url) => url.includes('/blobs/'))).toBe(true);
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

test.skipIf(!hasOpenssl)('a tunnel through a proxy, and TLS to the end of it', async () => {
  const { key, certificate } = certificateIn(dock.folder);
  const secure = await listening(
    createSecureServer(
      { key: readFileSync(key), cert: readFileSync(certificate) },
      forward(dock.port),
    ),
  );
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (incoming, socket) => {
    tunnels.push(incoming.url ?? '');
    const far = connect(secure, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    for (const end of [far, socket]) end.on('error', () => {});
  });
  const opened = await dock.opened('one', [await dock.blob('x', sample(10))]);
  const delivery = {
    ...opened,
    url: opened.url.replace(/http:..127[^/]+/, 'https://ml.site.test'),
  };
  const environment = {
    https_proxy: `http://127.0.0.1:${await listening(proxy)}`,
    NODE_EXTRA_CA_CERTS: certificate,
  };
  const args = ['run', '--', '/bin/cp', 'x', 'out/x'];
  const { ended } = dock.launch(delivery, await dock.workFolder(), args, environment);
  expect(await ended).toEqual({ code: 0, signal: null });
  expect(await listed(await dock.received('one'))).toEqual(['x']);
  expect(new Set(tunnels)).toEqual(new Set(['ml.site.test:443']));
  // Whoever is not who the certificate says is nobody.
  const stranger = { ...delivery, url: delivery.url.replace('ml.site', 'other.site') };
  const work = await dock.workFolder();
  const refused = dock.launch(stranger, work, ['fetch', '--give-up', '0'], environment);
  expect((await refused.ended).code).toBe(126);
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

function forward(port: number): RequestListener {
  return (incoming, outgoing) => {
    const { method, headers } = incoming;
    const url = new URL(incoming.url ?? '', 'http://x');
    const path = `${url.pathname}${url.search}`;
    const call = request(
      { host: '127.0.0.1', port, method, headers, path },
      (answer: IncomingMessage) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      },
    );
    call.on('error', () => outgoing.destroy());
    incoming.pipe(call);
  };
}

function certificateIn(folder: string): { readonly key: string; readonly certificate: string } {
  const key = join(folder, 'key.pem');
  const certificate = join(folder, 'certificate.pem');
  const subject = ['-subj', '/CN=ml.site.test', '-addext', 'subjectAltName=DNS:ml.site.test'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1'];
  execFileSync('openssl', [...made, ...subject, '-keyout', key, '-out', certificate], {
    stdio: 'ignore',
  });
  return { key, certificate };
}
