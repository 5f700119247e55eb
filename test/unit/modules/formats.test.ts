import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode } from 'fast-png';
import { describe, expect, onTestFinished, test } from 'vitest';
import { encodeIdxImages, encodeIdxLabels } from '../../../modules/data/idx-encoding.ts';
import { readCsv } from '../../../modules/formats/csv.ts';
import { readIdxImages } from '../../../modules/formats/idx.ts';
import { readImageFolder } from '../../../modules/formats/image-folder.ts';
import { decodePng, fitImage } from '../../../modules/formats/png.ts';
import type { DataFile } from '../../../modules/runtime/workload.ts';

const examples = [
  { label: 1, pixels: Uint8Array.of(0, 50, 100, 150) },
  { label: 0, pixels: Uint8Array.of(9, 8, 7, 6) },
];

describe('IDX files', () => {
  test('images and labels come back as they were written, from gzip too', async () => {
    const plain = await onDisk({
      'x-images-idx3-ubyte': encodeIdxImages(examples, 2, 2),
      'x-labels-idx1-ubyte.gz': gzipSync(encodeIdxLabels(examples)),
      'labels.txt': new TextEncoder().encode('no\nyes\n'),
    });
    const images = await readIdxImages(plain);
    expect(images).toMatchObject({ count: 2, shape: { height: 2, width: 2, channels: 1 } });
    expect(images.labels).toEqual(['no', 'yes']);
    expect([...images.pixels(0)]).toEqual([0, 50, 100, 150]);
    expect([images.label(0), images.label(1)]).toEqual([1, 0]);
  });

  test('what is not a whole pair is refused with the file and the reason', async () => {
    const images = encodeIdxImages(examples, 2, 2);
    const labels = encodeIdxLabels(examples);
    const cases: [Record<string, Uint8Array>, RegExp][] = [
      [{ 'a-images-idx3': images }, /no file like a \*labels\*idx1\*/],
      [
        { 'a-images-idx3': images.slice(0, 18), 'a-labels-idx1': labels },
        /2 values, its header says 8/,
      ],
      [
        { 'a-images-idx3': images, 'a-labels-idx1': encodeIdxLabels(examples.slice(1)) },
        /2 images but 1 labels/,
      ],
      [{ 'a-images-idx3': labels, 'a-labels-idx1': labels }, /1 dimensions/],
      [{ 'a-images-idx3': Uint8Array.of(1, 2), 'a-labels-idx1': labels }, /not an IDX file/],
      [
        { 'a-images-idx3': images, 'a-labels-idx1.gz': Uint8Array.of(0x1f, 0x8b, 8) },
        /not a whole gzip/,
      ],
      [
        { 'a-images-idx3': images, 'a-labels-idx1': labels, 'labels.txt': Uint8Array.of(65) },
        /names 1 classes/,
      ],
    ];
    for (const [files, reason] of cases) {
      await expect(onDisk(files).then(readIdxImages)).rejects.toThrow(reason);
    }
  });
});

describe('PNG images', () => {
  test('every colour type becomes grey or red, green and blue', () => {
    const grey = encode({ width: 2, height: 1, channels: 1, data: Uint8Array.of(10, 20) });
    expect(decodePng(grey)).toMatchObject({ channels: 1, pixels: Uint8Array.of(10, 20) });
    const greyAlpha = encode({ width: 1, height: 1, channels: 2, data: Uint8Array.of(10, 99) });
    expect(decodePng(greyAlpha)).toMatchObject({ channels: 1, pixels: Uint8Array.of(10) });
    const colourAlpha = encode({
      width: 1,
      height: 1,
      channels: 4,
      data: Uint8Array.of(1, 2, 3, 9),
    });
    expect(decodePng(colourAlpha)).toMatchObject({ channels: 3, pixels: Uint8Array.of(1, 2, 3) });
    const deep = encode({
      width: 1,
      height: 1,
      channels: 1,
      depth: 16,
      data: Uint16Array.of(0xabcd),
    });
    expect(decodePng(deep)).toMatchObject({ channels: 1, pixels: Uint8Array.of(0xab) });
  });

  test('an image is fitted to the size and the channels a model wants', () => {
    const wide = {
      width: 4,
      height: 2,
      channels: 1,
      pixels: Uint8Array.of(0, 0, 200, 200, 0, 0, 200, 200),
    };
    expect([...fitImage(wide, { width: 2, height: 1, channels: 1 }).pixels]).toEqual([0, 200]);
    const colour = { width: 1, height: 1, channels: 3, pixels: Uint8Array.of(255, 0, 0) };
    expect([...fitImage(colour, { width: 1, height: 1, channels: 1 }).pixels]).toEqual([76]);
    const grey = { width: 1, height: 1, channels: 1, pixels: Uint8Array.of(5) };
    expect([...fitImage(grey, { width: 1, height: 1, channels: 3 }).pixels]).toEqual([5, 5, 5]);
  });

  test('bytes that are no PNG are refused', () => {
    expect(() => decodePng(new Uint8Array(20))).toThrow('not a readable PNG');
    const claim = encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) });
    claim.set([0, 1, 0, 0, 0, 1, 0, 0], 16);
    expect(() => decodePng(claim)).toThrow('an image of 4294967296 pixels');
  });

  test('the label of an image is its folder, its index its place among the sorted paths', async () => {
    const white = encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(255) });
    const black = encode({ width: 1, height: 1, channels: 1, data: Uint8Array.of(0) });
    const files = await onDisk({ 'b/1.png': white, 'a/2': black });
    const images = await readImageFolder(files);
    expect(images.labels).toEqual(['a', 'b']);
    expect([images.count, images.label(0), images.label(1)]).toEqual([2, 0, 1]);
    expect([...images.pixels(1)]).toEqual([255]);
    await expect(onDisk({ 'a/1.png': Uint8Array.of(1) }).then(readImageFolder)).rejects.toThrow(
      'File a/1.png is not a readable PNG',
    );
    await expect(onDisk({ 'top.png': white }).then(readImageFolder)).rejects.toThrow(
      'in no folder',
    );
  });
});

describe('CSV text', () => {
  test('quotes, blank lines, a byte order mark and either line ending are read', () => {
    const table = readCsv('\uFEFFa, b\r\n"1,5","say ""hi""\nthere"\r\n\r\n 2 ,\n', 't.csv');
    expect(table.columns).toEqual(['a', 'b']);
    expect(table.rows).toEqual([
      ['1,5', 'say "hi"\nthere'],
      ['2', ''],
    ]);
  });

  test('a file without a last line ending, and one that ends in a comma, keep their last row', () => {
    expect(readCsv('a,b\n1,2', 't').rows).toEqual([['1', '2']]);
    expect(readCsv('a,b\n1,', 't').rows).toEqual([['1', '']]);
  });

  test('what is not a table is refused with its row', () => {
    expect(() => readCsv('a,b\n1,2\n3', 't')).toThrow('Data row 1 of t has 1 fields, not 2.');
    expect(() => readCsv('a,a\n1,2', 't')).toThrow('two of the same name');
    expect(() => readCsv('a,b\n', 't')).toThrow('no data rows');
    expect(() => readCsv('a,b\n"1,2', 't')).toThrow('ends inside a quoted field');
    expect(() => readCsv('a,b\n"1"x,2', 't')).toThrow('text after a closing quote');
    expect(() => readCsv('', 't')).toThrow('fewer than two columns');
  });
});

async function onDisk(contents: Readonly<Record<string, Uint8Array>>): Promise<DataFile[]> {
  const folder = await mkdtemp(join(tmpdir(), 'module-formats-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return Promise.all(
    Object.entries(contents).map(async ([path, bytes]) => {
      const location = join(folder, path.replaceAll('/', '_'));
      await writeFile(location, bytes);
      return { path, location };
    }),
  );
}
