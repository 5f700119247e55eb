import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore } from '../../storage/contract/blob-store.ts';

/** One storage under test. `reopen` closes and opens it again on the same bytes. */
export interface BlobStoreUnderTest {
  readonly store: BlobStore;
  /** A folder of the machine where blobs may be placed. */
  readonly scratch: string;
  reopen(): Promise<BlobStore>;
  destroy(): Promise<void>;
}

export function blobStoreContract(name: string, open: () => Promise<BlobStoreUnderTest>): void {
  describe(`blob store: ${name}`, () => {
    let under: BlobStoreUnderTest;
    let store: BlobStore;
    beforeEach(async () => {
      under = await open();
      store = under.store;
    });
    afterEach(() => under.destroy());

    test('what was put is read back whole, by range, and after opening again', async () => {
      const content = sample(100_000);
      const stored = await store.put(chunks(content, 999));
      expect(stored).toEqual({ sha256: digest(content), bytes: content.length });
      store = await under.reopen();
      expect(await store.has(stored.sha256)).toBe(true);
      expect((await store.open(stored.sha256)).bytes).toBe(content.length);
      expect(await read(store, stored.sha256)).toEqual(content);
      for (const [start, end] of [
        [0, 1],
        [99_999, 100_000],
        [17, 65_536],
        [5, 5],
        [100_000, 100_001],
      ] as const) {
        const part = await read(store, stored.sha256, { start, end });
        expect(part).toEqual(content.subarray(start, end));
      }
      expect(await read(store, stored.sha256, { start: 99_990 })).toEqual(content.subarray(99_990));
    });

    test('an empty blob is a blob', async () => {
      const stored = await store.put(new Uint8Array());
      expect(await store.has(stored.sha256)).toBe(true);
      expect(await read(store, stored.sha256)).toEqual(Buffer.alloc(0));
    });

    test('a blob that is not there is NOT_FOUND, and so is a name that is no digest', async () => {
      for (const sha256 of [digest(sample(3)), '../../etc/passwd', '', 'G'.repeat(64)]) {
        expect(await store.has(sha256)).toBe(false);
        await expect(store.open(sha256)).rejects.toMatchObject({ code: 'NOT_FOUND' });
        await expect(store.place(sha256, join(under.scratch, 'x'))).rejects.toMatchObject({
          code: 'NOT_FOUND',
        });
      }
    });

    test('a put with another digest than expected stores nothing', async () => {
      const content = sample(10);
      const other = digest(sample(11));
      await expect(store.put(content, { sha256: other })).rejects.toMatchObject({
        code: 'DIGEST_MISMATCH',
      });
      expect(await store.has(other)).toBe(false);
      expect(await store.has(digest(content))).toBe(false);
    });

    test('a put whose content breaks off stores nothing', async () => {
      const content = sample(5000);
      await expect(store.put(brokenAfter(content, 4999))).rejects.toThrow('connection lost');
      expect(await store.has(digest(content))).toBe(false);
      expect(await store.has(digest(content.subarray(0, 4999)))).toBe(false);
    });

    test('putting the same content many times at once is one blob', async () => {
      const content = sample(70_000);
      const all = await Promise.all(Array.from({ length: 8 }, () => store.put(content)));
      expect(new Set(all.map((blob) => blob.sha256))).toEqual(new Set([digest(content)]));
      expect(await read(store, digest(content))).toEqual(content);
    });

    test('a placed blob is a read-only file with the content; placing again changes nothing', async () => {
      const content = sample(2000);
      const { sha256 } = await store.put(content);
      const path = join(under.scratch, 'deep', 'er', 'file.bin');
      await store.place(sha256, path);
      await store.place(sha256, path);
      expect(await readFile(path)).toEqual(content);
      expect((await stat(path)).mode & 0o222).toBe(0);
    });

    test('placing replaces another file in one step', async () => {
      const path = join(under.scratch, 'file.bin');
      await store.place((await store.put(sample(10))).sha256, path);
      await store.place((await store.put(sample(20))).sha256, path);
      expect(await readFile(path)).toEqual(sample(20));
    });

    test('a blob is placed at absolute paths only', async () => {
      const { sha256 } = await store.put(sample(1));
      await expect(store.place(sha256, 'relative')).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
    });

    describe('uploads', () => {
      const content = sample(3000);
      const expected = { sha256: digest(content), bytes: content.length };

      test('an upload cut at any byte goes on where it stood', async () => {
        for (const cut of [0, 1, 2, 999, 1000, 1001, 1500, 2998, 2999, 3000]) {
          const name = `cut_${cut}`;
          await expect(
            store.uploads.append(name, 0, brokenAfter(content, cut), expected.bytes),
          ).rejects.toThrow('connection lost');
          expect(await store.uploads.received(name)).toBe(cut);
          const rest = chunks(content.subarray(cut), 700);
          expect(await store.uploads.append(name, cut, rest, expected.bytes)).toBe(3000);
          await store.uploads.complete(name, expected);
          await store.uploads.discard(name);
        }
        expect(await read(store, expected.sha256)).toEqual(content);
      });

      test('an upload survives closing and opening between any two parts', async () => {
        for (let at = 0; at < content.length; at += 750) {
          expect(await store.uploads.received('u')).toBe(at);
          await store.uploads.append('u', at, chunks(content.subarray(at, at + 750), 100), 3000);
          store = await under.reopen();
        }
        await store.uploads.complete('u', expected);
        expect(await read(store, expected.sha256)).toEqual(content);
      });

      test('a part at another place than the end is refused and changes nothing', async () => {
        await store.uploads.append('u', 0, chunks(content.subarray(0, 100), 10), 3000);
        for (const offset of [0, 99, 101, 3000]) {
          await expect(
            store.uploads.append('u', offset, chunks(content, 100), 3000),
          ).rejects.toMatchObject({ code: 'WRONG_STATE' });
        }
        expect(await store.uploads.received('u')).toBe(100);
      });

      test('of two parts at the same place at once, one wins', async () => {
        const results = await Promise.allSettled([
          store.uploads.append('u', 0, chunks(content, 64), 3000),
          store.uploads.append('u', 0, chunks(content, 64), 3000),
        ]);
        expect(results.map((result) => result.status).toSorted()).toEqual([
          'fulfilled',
          'rejected',
        ]);
        expect(results.find((result) => result.status === 'rejected')?.reason).toMatchObject({
          code: 'WRONG_STATE',
        });
        await store.uploads.complete('u', expected);
        expect(await read(store, expected.sha256)).toEqual(content);
      });

      test('more bytes than the limit are TOO_LARGE, and what fits was kept', async () => {
        await expect(
          store.uploads.append('u', 0, chunks(content, 700), 1000),
        ).rejects.toMatchObject({ code: 'TOO_LARGE' });
        expect(await store.uploads.received('u')).toBe(1000);
      });

      test('a part whose own checksum fails is taken back', async () => {
        await store.uploads.append('u', 0, chunks(content.subarray(0, 500), 100), 3000);
        async function* refused(): AsyncGenerator<Uint8Array> {
          yield content.subarray(500, 900);
          const { FathomError } = await import('../../domain/errors.ts');
          throw new FathomError('DIGEST_MISMATCH', 'The part is damaged.');
        }
        await expect(store.uploads.append('u', 500, refused(), 3000)).rejects.toMatchObject({
          code: 'DIGEST_MISMATCH',
        });
        expect(await store.uploads.received('u')).toBe(500);
      });

      test('an upload with another digest than declared is discarded and never visible', async () => {
        const wrong = { sha256: digest(sample(7)), bytes: content.length };
        await store.uploads.append('u', 0, chunks(content, 700), 3000);
        await expect(store.uploads.complete('u', wrong)).rejects.toMatchObject({
          code: 'DIGEST_MISMATCH',
        });
        expect(await store.has(wrong.sha256)).toBe(false);
        expect(await store.has(expected.sha256)).toBe(false);
        expect(await store.uploads.received('u')).toBe(0);
      });

      test('completing what is not all there is refused and keeps what came', async () => {
        await store.uploads.append('u', 0, chunks(content.subarray(0, 10), 10), 3000);
        await expect(store.uploads.complete('u', expected)).rejects.toMatchObject({
          code: 'WRONG_STATE',
        });
        expect(await store.uploads.received('u')).toBe(10);
        await expect(store.uploads.complete('unknown', expected)).rejects.toMatchObject({
          code: 'NOT_FOUND',
        });
      });

      test('completing again succeeds until the partial file was discarded', async () => {
        await store.uploads.append('u', 0, chunks(content, 700), 3000);
        await store.uploads.complete('u', expected);
        await store.uploads.complete('u', expected);
        await store.uploads.discard('u');
        expect(await read(store, expected.sha256)).toEqual(content);
      });

      test('knowing the digest of a blob does not complete an upload without its bytes', async () => {
        await store.put(content);
        await expect(store.uploads.complete('u', expected)).rejects.toMatchObject({
          code: 'NOT_FOUND',
        });
        await store.uploads.append('u', 0, chunks(sample(3001).subarray(1), 700), 3000);
        const attempts = await Promise.allSettled([
          store.uploads.complete('u', expected),
          store.uploads.complete('u', expected),
        ]);
        expect(attempts.map((attempt) => attempt.status)).toEqual(['rejected', 'rejected']);
      });

      test('a completed upload takes no more bytes', async () => {
        await store.uploads.append('u', 0, chunks(content, 700), 3000);
        await store.uploads.complete('u', expected);
        await expect(
          store.uploads.append('u', 3000, chunks(content, 700), 9000),
        ).rejects.toMatchObject({ code: 'WRONG_STATE' });
        expect(await read(store, expected.sha256)).toEqual(content);
      });

      test('an upload without a byte becomes the empty blob', async () => {
        await store.uploads.complete('u', { sha256: digest(new Uint8Array()), bytes: 0 });
        expect(await store.has(digest(new Uint8Array()))).toBe(true);
      });

      test('discarding forgets the bytes; discarding again changes nothing', async () => {
        await store.uploads.append('u', 0, chunks(content, 700), 3000);
        await store.uploads.discard('u');
        await store.uploads.discard('u');
        expect(await store.uploads.received('u')).toBe(0);
      });

      test('names that could lead elsewhere are refused', async () => {
        for (const bad of ['', '../x', 'a/b', 'a.b', 'ä', 'a'.repeat(200)]) {
          await expect(store.uploads.received(bad)).rejects.toMatchObject({
            code: 'INVALID_ARGUMENT',
          });
          await expect(
            store.uploads.append(bad, 0, chunks(content, 700), 3000),
          ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
        }
      });

      test('closing ends a part that hangs and keeps what came', async () => {
        let started: () => void = () => {};
        const waiting = new Promise<void>((resolve) => {
          started = resolve;
        });
        async function* hanging(): AsyncGenerator<Uint8Array> {
          yield content.subarray(0, 123);
          started();
          await new Promise(() => {});
        }
        const part = store.uploads.append('u', 0, hanging(), 3000);
        const ended = part.then(
          () => null,
          (error: unknown) => error,
        );
        await waiting;
        store = await under.reopen();
        expect(await ended).toMatchObject({ code: 'SHUTTING_DOWN' });
        expect(await store.uploads.received('u')).toBe(123);
      });
    });

    test('every method rejects after close, and health says so', async () => {
      const { sha256 } = await store.put(sample(1));
      expect(await store.health()).toMatchObject({ ok: expect.any(Boolean) });
      await store.close();
      await store.close();
      const calls = [
        store.has(sha256),
        store.open(sha256),
        store.put(sample(2)),
        store.place(sha256, join(under.scratch, 'x')),
        store.uploads.received('u'),
        store.uploads.append('u', 0, chunks(sample(1), 1), 1),
        store.uploads.complete('u', { sha256, bytes: 1 }),
        store.uploads.discard('u'),
      ];
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toMatchObject({ status: 'rejected', reason: { code: 'SHUTTING_DOWN' } });
      }
      expect(await store.health()).toMatchObject({ ok: false });
    });
  });
}

/** The same bytes for the same length. */
export function sample(bytes: number): Buffer {
  const out = Buffer.alloc(bytes);
  let state = bytes + 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    out[i] = state >>> 16;
  }
  return out;
}

export function digest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

export async function* chunks(content: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
}

async function* brokenAfter(content: Uint8Array, bytes: number): AsyncGenerator<Uint8Array> {
  yield* chunks(content.subarray(0, bytes), 256);
  throw new Error('connection lost');
}

export async function read(
  store: BlobStore,
  sha256: string,
  range?: { readonly start?: number; readonly end?: number },
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of (await store.open(sha256, range)).content) parts.push(part);
  return Buffer.concat(parts);
}
