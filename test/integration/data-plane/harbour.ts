import { stat } from 'node:fs/promises';
import { type AddressInfo, connect, type Socket } from 'node:net';
import Fastify from 'fastify';
import { dataPlane, type DataPlaneOptions } from '../../../server/data-plane/data-plane.ts';
import { createLinks, type SignedLinks } from '../../../server/data-plane/links.ts';
import {
  alice,
  description,
  openWorkshop,
  sha256,
  type Workshop,
} from '../datasets/surroundings.ts';

/** A served data plane over the real store and real files, on a port of its own. */
export interface Harbour {
  readonly shop: Workshop;
  readonly links: SignedLinks;
  readonly port: number;
  readonly problems: readonly string[];
  /** Connections that the server holds. */
  connections(): Promise<number>;
  /** Stops serving and closes the store, then serves the same folder again. */
  restart(): Promise<Harbour>;
  destroy(): Promise<void>;
}

const secret = Buffer.alloc(32, 7);
export const linkLifetime = 3600;

export async function openHarbour(
  limits: DataPlaneOptions['limits'] = {},
  workshop?: Workshop,
): Promise<Harbour> {
  const shop = workshop ?? (await openWorkshop());
  let port = 0;
  const links = createLinks({
    secret,
    baseUrl: () => `http://127.0.0.1:${port}`,
    ambient: shop.at.ambient,
    lifetimeSeconds: linkLifetime,
  });
  const problems: string[] = [];
  const app = Fastify();
  await app.register(
    dataPlane({
      datasets: shop.datasets,
      blobs: shop.at.blobs,
      links,
      log: (_level, message, details) =>
        problems.push(`${message} ${String(JSON.stringify(details))}`),
      limits,
    }),
  );
  await app.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = app.server.address() as AddressInfo);
  return {
    shop,
    links,
    port,
    problems,
    connections: () =>
      new Promise((resolve, reject) => {
        app.server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    async restart() {
      await app.close();
      return openHarbour(limits, await shop.reopen());
    },
    async destroy() {
      await app.close();
      await shop.destroy();
    },
  };
}

/** Announces one file in a data set of its own and returns where it goes. */
export async function announced(
  harbour: Harbour,
  content: Uint8Array,
  digest = sha256(content),
): Promise<{ readonly id: string; readonly url: string }> {
  const { shop, links } = harbour;
  const name = `d${await shop.at.store.datasets.count({})}`;
  const dataset = await shop.datasets.create(alice, { ...description, name });
  const [upload] = await shop.datasets.uploads.create(alice, {
    datasetId: dataset.id,
    files: [{ path: 'file.bin', bytes: content.length, sha256: digest }],
    idempotencyKey: null,
  });
  const id = upload?.id ?? '';
  return { id, url: links.upload(id) };
}

export function sendPart(
  url: string,
  offset: number,
  content: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: {
      'content-type': 'application/offset+octet-stream',
      'upload-offset': String(offset),
      'tus-resumable': '1.0.0',
      ...headers,
    },
    body: content as BodyInit,
  });
}

export async function offsetOf(url: string): Promise<number> {
  const response = await fetch(url, { method: 'HEAD' });
  return response.status === 200 ? Number(response.headers.get('upload-offset')) : -response.status;
}

/** A raw connection that announces a part of `declared` bytes and sends only `content`. */
export async function brokenPart(
  url: string,
  offset: number,
  declared: number,
  content: Uint8Array,
): Promise<Socket> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    [
      `PATCH ${pathname}${search} HTTP/1.1`,
      `host: ${hostname}`,
      'content-type: application/offset+octet-stream',
      `upload-offset: ${offset}`,
      `content-length: ${declared}`,
      '',
      '',
    ].join('\r\n'),
  );
  await new Promise<void>((resolve) => {
    socket.write(content, () => resolve());
  });
  return socket;
}

/** Waits until so many bytes of the upload were written: what was sent may still be on its way. */
export async function onDisk({ shop }: Harbour, url: string, bytes: number): Promise<void> {
  const id = new URL(url).pathname.split('/').at(-1) ?? '';
  const path = `${shop.folder}/storage/uploads/${id}`;
  const size = (): Promise<number> =>
    stat(path).then(
      (file) => file.size,
      () => 0,
    );
  while ((await size()) < bytes) await new Promise((resolve) => setTimeout(resolve, 2));
}
