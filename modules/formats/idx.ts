import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { InputError } from '../runtime/input-error.ts';
import type { DataFile } from '../runtime/workload.ts';
import type { LabelledImages } from './image-data.ts';

/**
 * Reads a pair of IDX files: bytes of images (`*images*idx3*`, or `*images*idx4*` with the channels
 * last) and of labels (`*labels*idx1*`), plain or gzip, with an optional `labels.txt`, one class
 * name a line.
 */
export async function readIdxImages(files: readonly DataFile[]): Promise<LabelledImages> {
  const images = await readIdx(pick(files, /images.*idx[34]/i, 'an *images*idx3* file'));
  const labels = await readIdx(pick(files, /labels.*idx1/i, 'a *labels*idx1* file'));
  const [count = 0, height = 0, width = 0, channels = 1] = images.dimensions;
  if (images.dimensions.length < 3 || images.dimensions.length > 4) {
    throw new InputError(
      `File ${images.path} has ${images.dimensions.length} dimensions, not 3 or 4.`,
    );
  }
  if (labels.dimensions.length !== 1 || labels.dimensions[0] !== count) {
    throw new InputError(
      `There are ${count} images but ${labels.dimensions[0] ?? 0} labels in the IDX files.`,
    );
  }
  const classes = labels.bytes.reduce((most, label) => Math.max(most, label + 1), 0);
  const namesFile = files.find((file) => /(^|\/)labels\.txt$/.test(file.path));
  const names = namesFile
    ? await readNames(namesFile)
    : Array.from({ length: classes }, (_, i) => `${i}`);
  if (names.length < classes) {
    throw new InputError(`labels.txt names ${names.length} classes, the labels use ${classes}.`);
  }
  const size = height * width * channels;
  return {
    count,
    shape: { height, width, channels },
    labels: names,
    pixels: (index) => images.bytes.subarray(index * size, (index + 1) * size),
    label: (index) => labels.bytes[index] ?? 0,
  };
}

function pick(files: readonly DataFile[], pattern: RegExp, what: string): DataFile {
  const found = files.filter((file) => pattern.test(file.path));
  const [only] = found;
  if (only && found.length === 1) return only;
  throw new InputError(
    found.length === 0
      ? `The IDX data set has no file like ${what}.`
      : `More than one file looks like ${what}.`,
  );
}

interface Idx {
  readonly path: string;
  readonly dimensions: readonly number[];
  readonly bytes: Uint8Array;
}

async function readIdx(file: DataFile): Promise<Idx> {
  const { path } = file;
  const raw = await readFile(file.location);
  const zipped = raw[0] === 0x1f && raw[1] === 0x8b;
  const content = zipped ? await unzip(raw, path) : raw;
  const rank = content[3] ?? 0;
  if (content.length < 4 || content[0] !== 0 || content[1] !== 0 || content[2] !== 0x08) {
    throw new InputError(`File ${path} is not an IDX file of unsigned bytes.`);
  }
  const start = 4 + 4 * rank;
  if (content.length < start) throw new InputError(`File ${path} ends inside its header.`);
  const dimensions = Array.from({ length: rank }, (_, i) => content.readUInt32BE(4 + 4 * i));
  const size = dimensions.reduce((product, length) => product * length, 1);
  if (content.length !== start + size) {
    throw new InputError(
      `File ${path} holds ${content.length - start} values, its header says ${size}.`,
    );
  }
  return { path, dimensions, bytes: content.subarray(start) };
}

async function unzip(raw: Buffer, path: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(raw, { maxOutputLength: 2 ** 31 });
  } catch {
    throw new InputError(`File ${path} is not a whole gzip file.`);
  }
}

async function readNames(file: DataFile): Promise<readonly string[]> {
  const lines = (await readFile(file.location, 'utf8')).split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '');
}
