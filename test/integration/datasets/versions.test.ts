import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemActor } from '../../../domain/actor.ts';
import type { DataFormat } from '../../../domain/dataset.ts';
import type { CreateDatasetVersion } from '../../../services/datasets/datasets.ts';
import { inputsOf } from '../../../services/datasets/workload-data.ts';
import {
  alice,
  bob,
  description,
  type Files,
  idx,
  openWorkshop,
  png,
  readText,
  sha256,
  upload,
  type Workshop,
} from './surroundings.ts';

describe('versions of a data set', () => {
  let shop: Workshop;
  let datasetId: string;
  beforeEach(async () => {
    shop = await openWorkshop();
    datasetId = (await shop.datasets.create(alice, { ...description, name: 'flowers' })).id;
  });
  afterEach(() => shop.destroy());

  const make = (more: Partial<CreateDatasetVersion> = {}) =>
    shop.datasets.createVersion(alice, {
      datasetId,
      format: 'FILES',
      target: null,
      files: null,
      split: null,
      idempotencyKey: null,
      ...more,
    });
  const version = async (
    format: DataFormat,
    files: Files,
    more: Partial<CreateDatasetVersion> = {},
  ) => {
    await upload(shop, alice, datasetId, files);
    return make({ format, ...more });
  };
  const complaint = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'taken',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );

  const images = idx([6, 2, 2], Buffer.alloc(24, 9));
  const labels = idx([6], Buffer.from([0, 1, 0, 1, 0, 10]));

  test('an IDX pair is counted by label, plain or gzipped, with names or without', async () => {
    const plain = await version('IDX', {
      'x-images-idx3-ubyte': images,
      'x-labels-idx1-ubyte': labels,
    });
    expect(plain).toMatchObject({
      number: 1,
      exampleCount: 6,
      target: null,
      labels: [
        { label: '0', count: 3 },
        { label: '1', count: 2 },
        { label: '10', count: 1 },
      ],
    });
    const second = await shop.datasets.create(alice, { ...description, name: 'packed' });
    await upload(shop, alice, second.id, {
      'images.idx3-ubyte.gz': gzipSync(images),
      'labels.idx1-ubyte.gz': gzipSync(labels),
      'labels.txt': ['cat', 'dog', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'ant'].join('\n'),
    });
    const packed = await make({ datasetId: second.id, format: 'IDX' });
    expect(packed.labels).toEqual([
      { label: 'ant', count: 1 },
      { label: 'cat', count: 3 },
      { label: 'dog', count: 2 },
    ]);
  });

  test.for([
    ['no labels', { 'images-idx3': images }, 'no file named as a label file'],
    ['an extra file', { 'images-idx3': images, 'labels-idx1': labels, 'x.txt': 'x' }, 'x.txt'],
    [
      'a shorter body',
      { 'images-idx3': images.subarray(0, 39), 'labels-idx1': labels },
      'its header says 24',
    ],
    [
      'a longer body',
      { 'images-idx3': Buffer.concat([images, images]), 'labels-idx1': labels },
      'longer than its header',
    ],
    [
      'another count',
      { 'images-idx3': images, 'labels-idx1': idx([5], Buffer.alloc(5)) },
      '6 images',
    ],
    ['no IDX', { 'images-idx3': Buffer.alloc(100, 1), 'labels-idx1': labels }, 'no IDX file'],
    ['half a header', { 'images-idx3': images.subarray(0, 9), 'labels-idx1': labels }, 'header'],
    ['no gzip', { 'images-idx3.gz': images, 'labels-idx1': labels }, 'no whole gzip'],
    [
      'a cut gzip',
      { 'images-idx3.gz': gzipSync(images).subarray(0, -9), 'labels-idx1': labels },
      'no whole gzip',
    ],
    [
      'a bomb',
      {
        'images-idx3.gz': gzipSync(idx([6, 2, 2], Buffer.alloc(50_000_000))),
        'labels-idx1': labels,
      },
      'longer than its header',
    ],
    [
      'too few names',
      { 'images-idx3': images, 'labels-idx1': labels, 'labels.txt': 'a\nb\n' },
      'no line for label 10',
    ],
    [
      'a name twice',
      { 'images-idx3': images, 'labels-idx1': labels, 'labels.txt': 'a\na\n' },
      'Line 2',
    ],
  ] as const)('IDX with %s is refused', async ([, files, words]) => {
    expect(await complaint(version('IDX', files))).toContain(words);
    expect(await shop.at.store.datasetVersions.count({})).toBe(0);
  });

  test('a folder of images is labelled by its folders', async () => {
    const made = await version('IMAGE_FOLDER', {
      'cat/1.png': png(4, 4),
      'cat/2.png': png(4, 4),
      'more/dog/1.png': png(5, 4),
    });
    expect(made.labels).toEqual([
      { label: 'cat', count: 2 },
      { label: 'dog', count: 1 },
    ]);
    expect(made.files.map((file) => file.path)).toEqual([
      'cat/1.png',
      'cat/2.png',
      'more/dog/1.png',
    ]);
  });

  test.for([
    ['a file without a folder', { 'a/1.png': png(1, 1), '2.png': png(1, 1) }, '2.png lies in no'],
    ['a file that is no PNG', { 'a/1.png': png(1, 1), 'a/2.png': 'GIF89a' }, 'a/2.png is no PNG'],
    ['an image without a side', { 'a/1.png': png(0, 7) }, '0 x 7'],
  ] as const)('a folder of images with %s is refused', async ([, files, words]) => {
    expect(await complaint(version('IMAGE_FOLDER', files))).toContain(words);
  });

  test('a CSV is counted by its target, the last column if none is named', async () => {
    const text = 'a,"b, quoted",species\r\n1,"x\ny",setosa\r\n2,"""",virginica\r\n3,,setosa\r\n';
    const made = await version('CSV', { 'iris.csv': `\ufeff${text}` });
    expect(made).toMatchObject({
      exampleCount: 3,
      target: 'species',
      labels: [
        { label: 'setosa', count: 2 },
        { label: 'virginica', count: 1 },
      ],
    });
    const other = await make({ format: 'CSV', target: 'a' });
    expect(other).toMatchObject({ number: 2, target: 'a', exampleCount: 3 });
    expect(other.digest).not.toBe(made.digest);
  });

  test.for([
    ['a ragged row', 'a,b\n1,2\n3\n', 'Invalid Record Length'],
    ['an open quote', 'a,b\n"1,2\n', 'Quote Not Closed'],
    ['a stray quote', 'a,b\n1"x,2\n', 'Invalid Opening Quote'],
    ['no rows', 'a,b\n', 'no row behind its header'],
    ['nothing', '', 'no row behind its header'],
    ['one label', 'a,b\n1,x\n2,x\n', 'one value only'],
    ['an empty label', 'a,b\n1,x\n2,\n', 'Row 3 of d.csv has no label'],
    ['a column twice', 'a,a\n1,2\n', 'Column 2'],
    ['a nameless column', 'a,,b\n1,2,3\n', 'Column 2'],
    ['a blank line', 'a,b\n1,x\n\n2,y\n', 'Invalid Record Length'],
    ['other bytes than UTF-8', Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0xff, 0x2c, 0x31]), 'UTF-8'],
    ['a cut letter', Buffer.from([0x61, 0x0a, 0xc3]), 'UTF-8'],
  ] as const)('a CSV with %s is refused', async ([, content, words]) => {
    expect(await complaint(version('CSV', { 'd.csv': content }))).toContain(words);
  });

  test('an unknown target is refused at its path, and says what there is', async () => {
    const refused = version('CSV', { 'd.csv': 'a,b\n1,x\n2,y\n' }, { target: 'c' });
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      inputPath: ['target'],
    });
    expect(await complaint(make({ format: 'CSV', target: 'c' }))).toContain('it has "a", "b"');
    expect(await complaint(make({ target: 'c' }))).toContain('no target column');
  });

  test('versions are numbered, change the data set, and never change themselves', async () => {
    const first = await version('FILES', { a: '1', b: '2' });
    shop.wait(1);
    const second = await version('FILES', { b: '3' });
    expect([first.number, second.number]).toEqual([1, 2]);
    expect(second.files.map(({ path, sha256: digest }) => [path, digest])).toEqual([
      ['a', sha256('1')],
      ['b', sha256('3')],
    ]);
    const dataset = await shop.datasets.get(alice, datasetId);
    expect(dataset).toMatchObject({ latestVersionId: second.id, format: 'FILES', version: 3 });
    expect(await shop.datasets.getVersion(alice, first.id)).toEqual(first);
  });

  test('files come from uploads, earlier versions and digests, and are named as one likes', async () => {
    const [one, two] = await upload(shop, alice, datasetId, { one: '1', two: '2' });
    const first = await make();
    const none = { uploadId: null, fromVersionId: null, sha256: null, path: null };
    const second = await make({
      files: [
        { ...none, uploadId: two?.id ?? '', path: 'renamed' },
        { ...none, fromVersionId: first.id, path: 'one' },
        { ...none, sha256: one?.sha256 ?? '', path: 'copy' },
      ],
    });
    expect(second.files.map((file) => [file.path, file.sha256])).toEqual([
      ['copy', sha256('1')],
      ['one', sha256('1')],
      ['renamed', sha256('2')],
    ]);
  });

  test('every finding about the files is told at once, with its place', async () => {
    const theirs = await shop.datasets.create(bob, { ...description, name: 'theirs' });
    const [foreign] = await upload(shop, bob, theirs.id, { x: 'x' });
    const foreignVersion = await shop.datasets.createVersion(bob, {
      datasetId: theirs.id,
      format: 'FILES',
      target: null,
      files: null,
      split: null,
      idempotencyKey: null,
    });
    const [open] = await shop.datasets.uploads.create(alice, {
      datasetId,
      files: [{ path: 'o', bytes: 1, sha256: sha256('o') }],
      idempotencyKey: null,
    });
    const none = { uploadId: null, fromVersionId: null, sha256: null, path: null };
    const refused = make({
      files: [
        none,
        { ...none, uploadId: 'x' },
        { ...none, uploadId: foreign?.id ?? '' },
        { ...none, uploadId: open?.id ?? '' },
        { ...none, fromVersionId: foreignVersion.id, path: 'x' },
        { ...none, sha256: sha256('x'), path: 'x' },
        { ...none, sha256: sha256('x'), uploadId: open?.id ?? '' },
      ],
    });
    await expect(refused).rejects.toMatchObject({
      errors: [
        { inputPath: ['files', '0'] },
        { inputPath: ['files', '1', 'uploadId'], code: 'BAD_ID' },
        { inputPath: ['files', '2', 'uploadId'] },
        { inputPath: ['files', '3', 'uploadId'] },
        { inputPath: ['files', '4', 'fromVersionId'] },
        { inputPath: ['files', '5', 'sha256'] },
        { inputPath: ['files', '6'] },
      ],
    });
    expect(await complaint(make())).toContain('these are 0');
  });

  test('a repeated call with the same key makes one version', async () => {
    await upload(shop, alice, datasetId, { a: '1' });
    const calls = Array.from({ length: 5 }, () => make({ idempotencyKey: 'k' }));
    const made = await Promise.all(calls);
    expect(new Set(made.map((one) => one.id)).size).toBe(1);
    await expect(make({ idempotencyKey: 'k', format: 'CSV' })).rejects.toThrow('CSV');
  });

  test('versions made at the same time get different numbers', async () => {
    await upload(shop, alice, datasetId, { a: '1' });
    const made = await Promise.all([make(), make(), make()]);
    expect(new Set(made.map((one) => one.number))).toEqual(new Set([1, 2, 3]));
  });

  test('a public data set is read by all and changed by none but its owner', async () => {
    await shop.datasets.update(alice, { id: datasetId, expectedVersion: 1, visibility: 'PUBLIC' });
    const made = await version('FILES', { a: '1' });
    expect(await shop.datasets.getVersion(bob, made.id)).toEqual(made);
    const forbidden = shop.datasets.createVersion(bob, {
      datasetId,
      format: 'FILES',
      target: null,
      files: null,
      split: null,
      idempotencyKey: null,
    });
    await expect(forbidden).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const stale = shop.datasets.update(alice, { id: datasetId, expectedVersion: 1, title: 'x' });
    await expect(stale).rejects.toMatchObject({ code: 'VERSION_CONFLICT' });
  });

  test('the default split is stratified where there are labels, else random', async () => {
    const rows = Array.from(
      { length: 50 },
      (_, row) => `${row},${row % 5 === 0 ? 'rare' : 'many'}`,
    );
    const made = await version('CSV', { 'd.csv': `n,label\n${rows.join('\n')}\n` });
    const split = await shop.datasets.splitFor(alice, made, null);
    expect(split).toMatchObject({ rule: 'STRATIFIED', seed: 0, trainCount: 40, testCount: 10 });
    const lists = JSON.parse(await readText(shop.at, split.sha256)) as {
      train: number[];
      test: number[];
    };
    expect(lists.test.filter((row) => row % 5 === 0)).toHaveLength(2);
    expect([...lists.train, ...lists.test].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, row) => row),
    );
    const plain = await shop.datasets.create(alice, { ...description, name: 'plain' });
    await upload(shop, alice, plain.id, { a: '1', b: '2' });
    const files = await make({ datasetId: plain.id });
    expect(await shop.datasets.splitFor(alice, files, null)).toMatchObject({ rule: 'RANDOM' });
    await expect(
      make({ datasetId: plain.id, split: { rule: 'STRATIFIED', seed: 0, testFraction: 0.5 } }),
    ).rejects.toMatchObject({ inputPath: ['split', 'rule'] });
  });

  test('a split asked for again is the same split; a wrong wish says what is wrong', async () => {
    const made = await version('FILES', { a: '1', b: '2', c: '3' });
    const wish = { rule: 'TAIL', seed: 5, testFraction: 0.4 } as const;
    const ask = (more: object = {}) =>
      shop.datasets.createSplit(alice, {
        datasetVersionId: made.id,
        ...wish,
        idempotencyKey: null,
        ...more,
      });
    const asked = await Promise.all([ask(), ask(), ask()]);
    expect(new Set(asked.map((split) => split.id)).size).toBe(1);
    expect(await readText(shop.at, asked[0]?.sha256 ?? '')).toBe(
      '{"rule":"TAIL","seed":5,"train":[0,1],"test":[2]}',
    );
    await expect(ask({ testFraction: 1, seed: -1 })).rejects.toMatchObject({
      errors: [{ inputPath: ['seed'] }, { inputPath: ['testFraction'] }],
    });
    await expect(ask({ rule: 'STRATIFIED' })).rejects.toMatchObject({ inputPath: ['rule'] });
    const other = await version('FILES', { d: '4' });
    await expect(shop.datasets.splitFor(alice, other, asked[0]?.id ?? '')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      inputPath: ['splitId'],
    });
  });

  test('what is not yours does not exist', async () => {
    const made = await version('FILES', { a: '1', b: '2' });
    expect(await shop.datasets.get(bob, datasetId)).toBe(null);
    expect(await shop.datasets.getVersion(bob, made.id)).toBe(null);
    expect(await shop.datasets.getSplit(bob, made.defaultSplitId)).toBe(null);
    expect((await shop.datasets.versionPages(bob, [datasetId], { first: 5 })).get(datasetId)).toBe(
      undefined,
    );
    for (const work of [
      shop.datasets.resolveVersion(bob, made.id),
      shop.datasets.splitFor(bob, made, null),
      shop.datasets.update(bob, { id: datasetId, expectedVersion: null, title: 'x' }),
    ]) {
      await expect(work).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    await expect(shop.datasets.resolveVersion(bob, 'nonsense')).rejects.toMatchObject({
      code: 'BAD_ID',
      inputPath: ['datasetVersionId'],
    });
  });

  test('a run is given the files under data/ and the list of its split', async () => {
    const made = await version('CSV', { 'iris.csv': 'a,b\n1,x\n2,y\n' });
    const { description: told, files } = await inputsOf(shop.at, made.id, made.defaultSplitId);
    expect(told).toEqual({
      format: 'CSV',
      root: 'data',
      files: [{ path: 'data/iris.csv', bytes: 12 }],
      split: 'data/split.json',
      target: 'b',
    });
    expect(files.map((file) => file.path)).toEqual(['data/iris.csv', 'data/split.json']);
    const split = await shop.datasets.splitFor(alice, made, null);
    const list = await readText(shop.at, split.sha256);
    expect(files[1]?.content).toEqual({
      kind: 'BLOB',
      sha256: split.sha256,
      bytes: list.length,
      url: null,
    });
  });

  test('a data set that comes along is made once, public, and not read again', async () => {
    let asked = 0;
    const seed = {
      name: 'digits',
      title: 'Digits',
      description: '',
      licence: 'MIT',
      format: 'IDX',
      target: null,
      files: async () => {
        asked += 1;
        return [
          { path: 'images-idx3', bytes: images },
          { path: 'labels-idx1', bytes: labels },
        ];
      },
    } as const;
    const [first, second] = await Promise.all([
      shop.datasets.seedDataset(seed),
      shop.datasets.seedDataset(seed),
    ]);
    const third = await shop.datasets.seedDataset(seed);
    expect([second.id, third.id]).toEqual([first.id, first.id]);
    expect(third).toMatchObject({
      owner: systemActor.subject,
      visibility: 'PUBLIC',
      format: 'IDX',
    });
    expect(asked).toBeLessThanOrEqual(2);
    expect(await shop.datasets.get(bob, first.id)).toEqual(third);
    expect((await shop.datasets.versionCounts(bob, [first.id])).get(first.id)).toBe(1);
    await expect(
      shop.datasets.update(alice, { id: first.id, expectedVersion: null, title: 'mine' }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
