import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor } from '../../../domain/actor.ts';
import type { Upload } from '../../../domain/dataset.ts';
import { untraced } from '../../../domain/traces.ts';
import { Datasets } from '../../../services/datasets/datasets.ts';
import type { Surroundings } from '../../../services/surroundings.ts';
import { openFileBlobStore } from '../../../storage/files/blob-store.ts';
import { openEmbeddedStore } from '../../../store/embedded/embedded-store.ts';

export const alice: Actor = { subject: 'alice', groups: [], system: false };
export const bob: Actor = { subject: 'bob', groups: [], system: false };

export interface Files {
  readonly [path: string]: string | Uint8Array;
}

export interface Workshop {
  readonly datasets: Datasets;
  readonly at: Surroundings;
  readonly folder: string;
  /** Moves the clock on. */
  wait(milliseconds: number): void;
  /** Closes everything and opens it again on the same folder. */
  reopen(): Promise<Workshop>;
  destroy(): Promise<void>;
}

/** The real embedded store and real files, in a folder of its own; the clock stands still until it is moved. */
export async function openWorkshop(folder?: string, start = 1_800_000_000_000): Promise<Workshop> {
  const root = folder ?? (await mkdtemp(join(tmpdir(), 'datasets-')));
  let now = start;
  const ambient = { now: () => now, random: () => Math.random() };
  const store = await openEmbeddedStore({ folder: join(root, 'state'), ambient });
  const blobs = await openFileBlobStore({ folder: join(root, 'storage') });
  const at: Surroundings = {
    store,
    blobs,
    backends: { get: () => null, all: () => [] },
    links: {
      upload: (id) => `http://127.0.0.1/uploads/${id}`,
      blob: (sha256, name) => `http://127.0.0.1/blobs/${sha256}/${name}`,
      resolve: () => null,
    },
    ambient,
    traces: untraced,
    log: () => {},
  };
  const close = async (): Promise<void> => {
    await store.close();
    await blobs.close();
  };
  return {
    datasets: new Datasets(at),
    at,
    folder: root,
    wait(milliseconds) {
      now += milliseconds;
    },
    async reopen() {
      await close();
      return openWorkshop(root, now);
    },
    async destroy() {
      await close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Announces the files and sends each in one part. */
export async function upload(
  { datasets }: Workshop,
  actor: Actor,
  datasetId: string,
  files: Files,
): Promise<readonly Upload[]> {
  const announced = Object.entries(files).map(([path, content]) => ({
    path,
    bytes: Buffer.byteLength(content),
    sha256: sha256(content),
  }));
  const uploads = await datasets.uploads.create(actor, {
    datasetId,
    files: announced,
    idempotencyKey: null,
  });
  const contents = Object.values(files);
  const sent: Upload[] = [];
  for (const [index, one] of uploads.entries()) {
    const content = Buffer.from(contents[index] ?? '');
    const done =
      one.state === 'OPEN'
        ? (await datasets.uploads.receive(actor, one.id, 0, once(content))).upload
        : one;
    sent.push(done);
  }
  return sent;
}

export async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content;
}

export async function readText(at: Surroundings, digest: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of (await at.blobs.open(digest)).content) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

export const description = {
  title: 'Flowers',
  description: '',
  licence: null,
  visibility: 'PRIVATE',
  idempotencyKey: null,
} as const;

/** The smallest PNG head that is one: what stands behind it is the module's affair. */
export function png(width: number, height: number): Buffer {
  const head = Buffer.alloc(33);
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(head);
  head.writeUInt32BE(width, 16);
  head.writeUInt32BE(height, 20);
  return head;
}

export function idx(dimensions: readonly number[], data: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * dimensions.length);
  head[2] = 8;
  head[3] = dimensions.length;
  dimensions.forEach((size, axis) => head.writeUInt32BE(size, 4 + 4 * axis));
  return Buffer.concat([head, data]);
}
