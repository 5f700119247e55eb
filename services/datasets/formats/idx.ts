import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import type { DataFile } from '../../../domain/dataset.ts';
import { datasetLimits } from '../limits.ts';
import { badData, type Examples, type FormatRequest, labelled } from './examples.ts';

const imagesName = /images.*idx[34]/i;
const labelsName = /labels.*idx1/i;
const unsignedBytes = 0x08;

/**
 * A pair of IDX files of unsigned bytes, as MNIST: images of 3 or 4 dimensions and labels of one, equal in number,
 * either of them gzipped, and perhaps `labels.txt` with the name of each label in a line. Every byte is accounted for.
 */
export async function readIdx({ files, open }: FormatRequest): Promise<Examples> {
  const images = single(files, imagesName, 'an image file (`…images…idx3…`)');
  const labels = single(files, labelsName, 'a label file (`…labels…idx1…`)');
  const namesFile = files.find((file) => file.path.split('/').at(-1) === 'labels.txt') ?? null;
  const unexpected = files.find((file) => ![images, labels, namesFile].includes(file));
  if (unexpected !== undefined) {
    throw badData(`${unexpected.path} does not belong to an IDX pair.`);
  }
  const imageShape = await readBody(images, open, [3, 4], () => {});
  const values: Uint8Array[] = [];
  const labelShape = await readBody(labels, open, [1], (chunk) => values.push(chunk.slice()));
  if (imageShape[0] !== labelShape[0]) {
    throw badData(
      `${images.path} has ${imageShape[0]} images, ${labels.path} has ${labelShape[0]} labels.`,
    );
  }
  const labelOf = Uint32Array.from(Buffer.concat(values));
  const names = namesFile === null ? byNumber() : await readNames(namesFile, open);
  const unnamed = labelOf.findIndex((label) => label >= names.length);
  if (unnamed >= 0) {
    throw badData(`${namesFile?.path} has no line for label ${labelOf[unnamed]}.`);
  }
  return labelled(names, labelOf, null);
}

function single(files: readonly DataFile[], pattern: RegExp, what: string): DataFile {
  const found = files.filter((file) => pattern.test(file.path.split('/').at(-1) ?? ''));
  const [file] = found;
  if (file === undefined) throw badData(`There is no file named as ${what}.`);
  if (found.length > 1) {
    throw badData(`There is more than one file named as ${what}: give one pair a version.`);
  }
  return file;
}

/** Checks header and length while the bytes pass; nothing is kept. Returns the dimensions. */
async function readBody(
  file: DataFile,
  open: FormatRequest['open'],
  ranks: readonly number[],
  take: (chunk: Uint8Array) => void,
): Promise<readonly number[]> {
  let head = Buffer.alloc(0);
  let shape: readonly number[] | null = null;
  let expected = 0;
  let seen = 0;
  for await (const bytes of await unpacked(file, open)) {
    let body: Uint8Array = bytes;
    if (shape === null) {
      head = Buffer.concat([head, bytes]);
      const header = parseHeader(file, head, ranks);
      if (header === null) continue;
      shape = header.shape;
      expected = shape.reduce((product, size) => product * size, 1);
      body = head.subarray(header.bytes);
    }
    seen += body.length;
    // A small gzip can hold a great many bytes: no more is unpacked than the header promised.
    if (seen > expected) throw badData(`${file.path} is longer than its header says.`);
    take(body);
  }
  if (shape === null) throw badData(`${file.path} ends within its IDX header.`);
  if (seen < expected) {
    throw badData(`${file.path} has ${seen} bytes of data, its header says ${expected}.`);
  }
  return shape;
}

function parseHeader(
  file: DataFile,
  head: Buffer,
  ranks: readonly number[],
): { readonly shape: readonly number[]; readonly bytes: number } | null {
  if (head.length < 4) return null;
  const rank = head[3] ?? 0;
  if (head[0] !== 0 || head[1] !== 0 || head[2] !== unsignedBytes || !ranks.includes(rank)) {
    throw badData(
      `${file.path} is no IDX file of unsigned bytes with ${ranks.join(' or ')} dimensions.`,
    );
  }
  const bytes = 4 + 4 * rank;
  if (head.length < bytes) return null;
  const shape = Array.from({ length: rank }, (_, axis) => head.readUInt32BE(4 + 4 * axis));
  const [count = 0, ...sides] = shape;
  if (count < 1 || count > datasetLimits.examples) {
    throw badData(`${file.path} has ${count} examples; 1 to ${datasetLimits.examples} are taken.`);
  }
  if (sides.some((side) => side < 1 || side > datasetLimits.imageSide)) {
    throw badData(`${file.path} has images of ${sides.join(' x ')}.`);
  }
  return { shape, bytes };
}

async function unpacked(
  file: DataFile,
  open: FormatRequest['open'],
): Promise<AsyncIterable<Uint8Array>> {
  const content = await open(file);
  return file.path.endsWith('.gz') ? gunzipped(file, content) : content;
}

async function* gunzipped(
  file: DataFile,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  const source = Readable.from(content, { objectMode: false });
  source.on('error', (error) => gunzip.destroy(error));
  try {
    yield* source.pipe(gunzip) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw badData(`${file.path} is no whole gzip file.`);
    }
    throw error;
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function byNumber(): readonly string[] {
  return Array.from({ length: 256 }, (_, value) => String(value));
}

async function readNames(file: DataFile, open: FormatRequest['open']): Promise<readonly string[]> {
  if (file.bytes > 256 * datasetLimits.labelLength) throw badData(`${file.path} is too long.`);
  const parts: Uint8Array[] = [];
  for await (const part of await open(file)) parts.push(part);
  const text = decode(file, Buffer.concat(parts));
  const names = text.replace(/\r?\n$/, '').split(/\r?\n/);
  const bad = names.findIndex(
    (name, index) =>
      name === '' || name.length > datasetLimits.labelLength || names.indexOf(name) !== index,
  );
  if (bad >= 0) {
    throw badData(`Line ${bad + 1} of ${file.path} is empty, too long or there twice.`);
  }
  return names;
}

function decode(file: DataFile, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badData(`${file.path} is not UTF-8.`);
  }
}
