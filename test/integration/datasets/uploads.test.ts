import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { UploadLook } from '../../../services/datasets/upload-look.ts';
import { datasetLimits } from '../../../services/datasets/limits.ts';
import {
  alice,
  bob,
  description,
  once,
  openWorkshop,
  sha256,
  upload,
  type Workshop,
} from './surroundings.ts';

describe('uploads to a data set', () => {
  let shop: Workshop;
  let datasetId: string;
  beforeEach(async () => {
    shop = await openWorkshop();
    datasetId = (await shop.datasets.create(alice, { ...description, name: 'flowers' })).id;
  });
  afterEach(() => shop.destroy());

  const announce = (
    files: readonly { path: string; bytes: number; sha256: string }[],
    idempotencyKey: string | null = null,
  ) => shop.datasets.uploads.create(alice, { datasetId, files, idempotencyKey });
  const file = (path: string, content = 'abc') => ({
    path,
    bytes: content.length,
    sha256: sha256(content),
  });

  test('an upload is complete with its last byte, also after a restart in between', async () => {
    const [made] = await announce([file('a.txt', 'hello world')]);
    const id = made?.id ?? '';
    const part = once(Buffer.from('hello'));
    expect((await shop.datasets.uploads.receive(alice, id, 0, part)).received).toBe(5);
    shop = await shop.reopen();
    expect(await shop.datasets.uploads.progress(alice, id)).toMatchObject({ received: 5 });
    const rest = once(Buffer.from(' world'));
    const done = await shop.datasets.uploads.receive(alice, id, 5, rest);
    expect(done).toMatchObject({ received: 11, upload: { state: 'COMPLETE' } });
    expect(await shop.at.blobs.has(sha256('hello world'))).toBe(true);
    expect(await shop.datasets.uploads.progress(alice, id)).toMatchObject({ received: 11 });
  });

  test('an upload whose last byte came just before a crash is complete at the next look', async () => {
    const [made] = await announce([file('a.txt')]);
    const id = made?.id ?? '';
    // As if the process had ended between storing the part and recording it.
    await shop.at.blobs.uploads.append(id, 0, once(Buffer.from('abc')), 3);
    shop = await shop.reopen();
    const seen = await shop.datasets.uploads.progress(alice, id);
    expect(seen).toMatchObject({ received: 3, upload: { state: 'COMPLETE' } });
  });

  test('bytes that do not have the declared digest refuse the upload for good', async () => {
    const [made] = await announce([{ ...file('a.txt'), sha256: sha256('xyz') }]);
    const id = made?.id ?? '';
    const part = shop.datasets.uploads.receive(alice, id, 0, once(Buffer.from('abc')));
    await expect(part).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    const [refused] = await shop.datasets.uploads.byId(alice, [id]);
    expect(refused).toMatchObject({ state: 'REFUSED' });
    expect(refused?.refusal).toContain(sha256('abc'));
    const again = shop.datasets.uploads.receive(alice, id, 0, once(Buffer.from('xyz')));
    await expect(again).rejects.toMatchObject({ code: 'WRONG_STATE' });
    expect(await shop.at.blobs.has(sha256('abc'))).toBe(false);
  });

  test("knowing the digest of another's file gives no way to it", async () => {
    const theirs = await shop.datasets.create(bob, { ...description, name: 'secret' });
    await upload(shop, bob, theirs.id, { 'secret.txt': 'top secret' });
    const [made] = await announce([file('mine.txt', 'top secret')]);
    const id = made?.id ?? '';
    const results = await Promise.allSettled([
      shop.datasets.uploads.receive(alice, id, 0, once(Buffer.from('not secret'))),
      shop.datasets.uploads.progress(alice, id),
      shop.datasets.uploads.progress(alice, id),
      shop.datasets.uploads.progress(alice, id),
    ]);
    expect(results[0]?.status).toBe('rejected');
    const [after] = await shop.datasets.uploads.byId(alice, [id]);
    expect(after?.state).toBe('REFUSED');
    const version = shop.datasets.createVersion(alice, {
      datasetId,
      format: 'FILES',
      target: null,
      files: [{ uploadId: null, fromVersionId: null, path: 'x', sha256: sha256('top secret') }],
      split: null,
      idempotencyKey: null,
    });
    await expect(version).rejects.toMatchObject({
      errors: [{ code: 'INVALID_ARGUMENT', inputPath: ['files', '0', 'sha256'] }],
    });
  });

  test('an empty file is complete at once', async () => {
    const [good, bad] = await announce([
      file('empty.txt', ''),
      { path: 'b', bytes: 0, sha256: sha256('x') },
    ]);
    expect(good?.state).toBe('COMPLETE');
    expect(bad?.state).toBe('REFUSED');
  });

  test('a repeated announcement with the same key makes nothing new', async () => {
    const first = await announce([file('a'), file('b')], 'key');
    const second = await announce([file('a'), file('b')], 'key');
    expect(second.map((one) => one.id)).toEqual(first.map((one) => one.id));
    await expect(announce([file('c')], 'key')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_MISMATCH',
    });
  });

  test('paths that lead elsewhere or that some machine cannot store are refused, each by its place', async () => {
    const bad = [
      '',
      '/etc/passwd',
      '../up',
      'a/../../b',
      './a',
      'a//b',
      'a/',
      'a\\b',
      'nul\0',
      '\ud800',
      'ä'.repeat(128),
      `${'d/'.repeat(600)}x`,
      'split.json',
    ];
    const refused = await announce(bad.map((path) => file(path))).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({
      errors: bad.map((_, index) => ({
        code: 'INVALID_ARGUMENT',
        inputPath: ['files', String(index), 'path'],
      })),
    });
    expect(await shop.at.store.uploads.count({})).toBe(0);
  });

  test('paths that one file system would take for one are refused', async () => {
    for (const paths of [
      ['a', 'a'],
      ['A.png', 'a.png'],
      ['a', 'a/b'],
      ['caf\u00e9', 'cafe\u0301'],
    ]) {
      await expect(announce(paths.map((path) => file(path)))).rejects.toMatchObject({
        errors: [{ inputPath: ['files'] }],
      });
    }
  });

  test('a decomposed path is stored composed', async () => {
    const [made] = await announce([file('cafe\u0301.txt')]);
    expect(made?.path).toBe('caf\u00e9.txt');
  });

  test('sizes, digests and counts outside the limits are refused together', async () => {
    const refused = announce([
      { path: 'a', bytes: -1, sha256: 'z' },
      { path: 'b', bytes: 1.5, sha256: sha256('') },
    ]);
    await expect(refused).rejects.toMatchObject({
      errors: [
        { inputPath: ['files', '0', 'bytes'] },
        { inputPath: ['files', '0', 'sha256'] },
        { inputPath: ['files', '1', 'bytes'] },
      ],
    });
    await expect(announce([])).rejects.toMatchObject({ errors: [{ inputPath: ['files'] }] });
    const many = Array.from({ length: 1001 }, (_, index) => file(String(index)));
    await expect(announce(many)).rejects.toMatchObject({ errors: [{ inputPath: ['files'] }] });
  });

  test('what is not yours does not exist', async () => {
    const [made] = await announce([file('a')]);
    const id = made?.id ?? '';
    expect(await shop.datasets.uploads.byId(bob, [id])).toEqual([null]);
    const calls = [
      shop.datasets.uploads.progress(bob, id),
      shop.datasets.uploads.receive(bob, id, 0, once(Buffer.from('abc'))),
      shop.datasets.uploads.abort(bob, id),
      shop.datasets.uploads.create(bob, { datasetId, files: [file('b')], idempotencyKey: null }),
    ];
    for (const result of await Promise.allSettled(calls)) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'NOT_FOUND' } });
    }
    expect((await shop.datasets.uploads.counts(bob, [datasetId])).get(datasetId)).toBe(0);
  });

  test('an aborted upload takes no more bytes; aborting again changes nothing', async () => {
    const [made] = await announce([file('a')]);
    const id = made?.id ?? '';
    await shop.datasets.uploads.receive(alice, id, 0, once(Buffer.from('a')));
    const aborted = await shop.datasets.uploads.abort(alice, id);
    expect(aborted.state).toBe('REFUSED');
    expect(await shop.datasets.uploads.abort(alice, id)).toEqual(aborted);
    expect(await shop.at.blobs.uploads.received(id)).toBe(0);
    const more = shop.datasets.uploads.receive(alice, id, 1, once(Buffer.from('bc')));
    await expect(more).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const [complete] = await upload(shop, alice, datasetId, { done: 'abc' });
    await expect(shop.datasets.uploads.abort(alice, complete?.id ?? '')).rejects.toMatchObject({
      code: 'WRONG_STATE',
    });
  });

  test('an upload that nobody finished ends in time, by the queue or by the next caller', async () => {
    const [one, two] = await announce([file('a'), file('b')]);
    const [kept] = await upload(shop, alice, datasetId, { c: 'abc' });
    const look = new UploadLook(shop.datasets.uploads);
    const claim = async () =>
      shop.at.store.work.claim({
        kinds: [look.kind],
        worker: 'w',
        now: shop.at.ambient.now(),
        leaseMs: 60_000,
        limit: 10,
      });
    expect(await claim()).toEqual([]);
    shop.wait(datasetLimits.uploadLifetime);
    await expect(
      shop.datasets.uploads.receive(alice, two?.id ?? '', 0, once(Buffer.from('abc'))),
    ).rejects.toMatchObject({ code: 'WRONG_STATE' });
    const leases = await claim();
    expect(leases).toHaveLength(3);
    for (const lease of leases) {
      expect(await look.look(lease.key, lease)).toBe(null);
      await shop.at.store.work.release(lease, null);
    }
    const ids = [one?.id ?? '', two?.id ?? '', kept?.id ?? ''];
    const states = (await shop.datasets.uploads.byId(alice, ids)).map((upload) => upload?.state);
    expect(states).toEqual(['EXPIRED', 'EXPIRED', 'COMPLETE']);
  });
});
