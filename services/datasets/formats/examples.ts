import type { DataFile, DataFormat, LabelCount } from '../../../domain/dataset.ts';
import { FathomError } from '../../../domain/errors.ts';

/** What the files of a version hold. */
export interface Examples {
  readonly count: number;
  readonly labels: readonly LabelCount[];
  /** For each example the index of its label in `labels`; null without labels. */
  readonly labelOf: Uint32Array | null;
  /** The label column of a CSV; null elsewhere. */
  readonly target: string | null;
}

/** Reads bytes of a file of the version. */
export type OpenFile = (
  file: DataFile,
  range?: { readonly start?: number; readonly end?: number },
) => Promise<AsyncIterable<Uint8Array>>;

export interface FormatRequest {
  /** Sorted by path. */
  readonly files: readonly DataFile[];
  readonly target: string | null;
  readonly open: OpenFile;
}

/** A fault of the data itself; its message names the file and the place. */
export function badData(message: string, path: readonly string[] = ['files']): FathomError {
  return new FathomError('INVALID_ARGUMENT', message, { path });
}

/** Counts the labels and puts them in the order of their names. `names` may repeat no name. */
export function labelled(
  names: readonly string[],
  labelOf: Uint32Array,
  target: string | null,
): Examples {
  const counts = Array.from(names, () => 0);
  for (const label of labelOf) counts[label] = (counts[label] ?? 0) + 1;
  const order = names
    .map((name, index) => ({ name, index }))
    .filter(({ index }) => counts[index] !== 0)
    .toSorted((a, b) => compareText(a.name, b.name));
  const place = new Uint32Array(names.length);
  order.forEach(({ index }, position) => {
    place[index] = position;
  });
  return {
    count: labelOf.length,
    labels: order.map(({ name, index }) => ({ label: name, count: counts[index] ?? 0 })),
    labelOf: labelOf.map((label) => place[label] ?? 0),
    target,
  };
}

/** By code unit: the same on every machine, whatever its locale. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export type FormatReader = (request: FormatRequest) => Promise<Examples>;
export type FormatReaders = { readonly [F in DataFormat]: FormatReader };
