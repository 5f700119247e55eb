import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { announce, eventually, partHeaders, Server, sha256, type UserError } from './server.ts';

/** A disk of 24 MiB of its own, where one may be mounted. */
const disk = await mkdtemp(join(tmpdir(), 'fathom-full-disk-'));
const isThere =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]).status === 0;
let server: Server;

beforeAll(async () => {
  if (isThere) server = await Server.start({ state: disk });
}, 60_000);

afterAll(async () => {
  if (isThere) {
    await server.destroy();
    spawnSync('umount', ['-l', disk]);
  }
  await rm(disk, { recursive: true });
});

describe.skipIf(!isThere)('on a full disk', () => {
  test('nothing acknowledged is lost, writes are refused and say why, and all goes on when there is room', async () => {
    const { dataset } = await create('before');
    const id = dataset?.id ?? '';
    const bytes = Buffer.alloc(3_000_000, 'x');
    const upload = await announce(server, id, 'large.bin', bytes);
    const first = await part(upload.url, 0, bytes.subarray(0, 1_000_000));
    expect(first.status).toBe(204);

    const { bavail, bsize } = await statfs(disk);
    await writeFile(join(disk, 'filler'), Buffer.alloc(Math.max(0, bavail - 100) * bsize));
    const kept: string[] = [];
    let refusal: UserError | undefined;
    for (let at = 0; refusal === undefined && at < 500; at += 1) {
      const payload = await create(`full-${at}`);
      refusal = payload.userErrors[0];
      if (payload.dataset !== null) kept.push(payload.dataset.id);
    }
    expect(kept.length).toBeGreaterThan(0);
    expect(refusal?.code).toBe('STORAGE_FULL');
    expect(refusal?.message).toMatch(/room|disk/iu);
    expect(refusal?.message).not.toContain(disk);
    const refused = await part(upload.url, 1_000_000, bytes.subarray(1_000_000));
    expect(refused.status).toBe(507);
    expect(await refused.json()).toMatchObject({ code: 'STORAGE_FULL' });
    // Reading needs no room.
    expect(await names()).toBe(kept.length + 1);

    // Also when it is cut off in this state, and started again.
    await server.kill();
    await server.revive().catch(() => undefined);
    expect(server.said).not.toMatch(/\n {4}at /u);
    await rm(join(disk, 'filler'));
    await server.stop();
    await server.revive();
    expect(await names()).toBe(kept.length + 1);
    expect((await create('after')).userErrors).toEqual([]);
    const url = (
      await server.field<{ url: string }>('query ($id: ID!) { upload(id: $id) { url } }', {
        id: upload.id,
      })
    ).url;
    const told = await eventually(
      () => fetch(url, { method: 'HEAD' }),
      (response) => response.ok,
    );
    const offset = Number(told.headers.get('upload-offset'));
    expect(offset).toBeGreaterThanOrEqual(1_000_000);
    expect((await part(url, offset, bytes.subarray(offset))).status).toBe(204);
    const query = 'query ($id: ID!) { upload(id: $id) { state sha256 } }';
    expect(await server.field(query, { id: upload.id })).toEqual({
      state: 'COMPLETE',
      sha256: sha256(bytes),
    });
  });
});

function create(
  name: string,
): Promise<{ dataset: { id: string } | null; userErrors: readonly UserError[] }> {
  const input = { name, description: 'x'.repeat(20_000) };
  return server.change('createDataset', 'CreateDatasetInput', input, 'dataset { id }');
}

async function names(): Promise<number> {
  return (await server.field<{ totalCount: number }>('{ datasets(first: 1) { totalCount } }'))
    .totalCount;
}

function part(url: string, offset: number, body: Uint8Array): Promise<Response> {
  const bytes = new Uint8Array(body);
  return fetch(url, { method: 'PATCH', headers: partHeaders(offset), body: bytes });
}
