import type { DataFile } from '../../../domain/dataset.ts';
import { datasetLimits } from '../limits.ts';
import { badData, type Examples, type FormatRequest, labelled } from './examples.ts';

const signature = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex');
/** Signature, the length and name of the first chunk, width and height. */
const headBytes = 24;
const atOnce = 16;

/** PNG files; the label of each is the folder that it lies in. Examples are numbered by path. */
export async function readImageFolder({ files, open }: FormatRequest): Promise<Examples> {
  const names: string[] = [];
  const numberOf = new Map<string, number>();
  const labelOf = new Uint32Array(files.length);
  files.forEach((file, index) => {
    const label = labelName(file);
    const known = numberOf.get(label) ?? names.push(label) - 1;
    numberOf.set(label, known);
    labelOf[index] = known;
  });
  for (let from = 0; from < files.length; from += atOnce) {
    await Promise.all(files.slice(from, from + atOnce).map((file) => checkPng(file, open)));
  }
  return labelled(names, labelOf, null);
}

function labelName(file: DataFile): string {
  const label = file.path.split('/').at(-2);
  if (label === undefined) {
    throw badData(`${file.path} lies in no folder, so it has no label.`);
  }
  return label;
}

async function checkPng(file: DataFile, open: FormatRequest['open']): Promise<void> {
  const parts: Uint8Array[] = [];
  for await (const part of await open(file, { start: 0, end: headBytes })) parts.push(part);
  const head = Buffer.concat(parts);
  if (head.length < headBytes || !head.subarray(0, signature.length).equals(signature)) {
    throw badData(`${file.path} is no PNG image.`);
  }
  const [width, height] = [head.readUInt32BE(16), head.readUInt32BE(20)];
  const largest = datasetLimits.imageSide;
  if (width < 1 || height < 1 || width > largest || height > largest) {
    throw badData(`${file.path} is an image of ${width} x ${height}.`);
  }
}
