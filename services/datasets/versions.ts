import { createHash } from 'node:crypto';
import type { DataFile, DataFormat, Dataset, DatasetVersion } from '../../domain/dataset.ts';
import { type Id, newId } from '../../domain/ids.ts';
import { canonicalJson, type Json } from '../../domain/json.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Surroundings } from '../surroundings.ts';
import { notFound } from '../visible.ts';
import type { Examples, OpenFile } from './formats/examples.ts';
import { readExamples } from './formats/read-examples.ts';
import {
  assertDivisible,
  type PreparedSplit,
  prepareSplit,
  recordSplit,
  type SplitWish,
} from './splits.ts';

/** A version that was read, validated and split, and is not recorded yet. */
export interface PreparedVersion {
  readonly format: DataFormat;
  readonly files: readonly DataFile[];
  readonly examples: Examples;
  readonly digest: string;
  readonly split: PreparedSplit;
}

export const defaultSplit = Object.freeze({ seed: 0, testFraction: 0.2 });

/** Reads the files; INVALID_ARGUMENT when they are not what `format` says. Changes no record. */
export async function prepareVersion(
  at: Surroundings,
  request: {
    readonly format: DataFormat;
    readonly target: string | null;
    /** Sorted by path. */
    readonly files: readonly DataFile[];
    /** Null: stratified where there are labels, else random. */
    readonly split: SplitWish | null;
  },
): Promise<PreparedVersion> {
  const { format, files } = request;
  const open = opener(at);
  const examples = await readExamples(format, { files, target: request.target, open });
  const wish: SplitWish = request.split ?? {
    rule: examples.labels.length > 0 ? 'STRATIFIED' : 'RANDOM',
    ...defaultSplit,
  };
  assertDivisible(wish, examples.labels, ['split']);
  const split = await prepareSplit(at, wish, examples);
  const { target } = examples;
  return { format, files, examples, digest: digestOf(format, target, files), split };
}

/** Records the next version of the data set and its default split. */
export async function recordVersion(
  at: Surroundings,
  tx: Transaction,
  datasetId: Id<'Dataset'>,
  prepared: PreparedVersion,
): Promise<DatasetVersion> {
  const dataset = await tx.datasets.get(datasetId);
  if (dataset === null) throw notFound('Dataset', datasetId, ['datasetId']);
  const now = at.ambient.now();
  const id = newId('DatasetVersion', now, () => at.ambient.random());
  const split = await recordSplit(at, tx, id, prepared.split);
  const version: DatasetVersion = {
    id,
    version: 1,
    datasetId,
    number: await tx.nextNumber(`datasetVersion ${datasetId}`),
    format: prepared.format,
    target: prepared.examples.target,
    files: prepared.files,
    exampleCount: prepared.examples.count,
    labels: prepared.examples.labels,
    digest: prepared.digest,
    defaultSplitId: split.id,
    createdAt: now,
  };
  await tx.datasetVersions.insert(version);
  await tx.datasets.update(withLatest(dataset, version, now));
  return version;
}

/** The examples of a recorded version, read again. */
export function examplesOf(at: Surroundings, version: DatasetVersion): Promise<Examples> {
  const { format, files, target } = version;
  return readExamples(format, { files, target, open: opener(at) });
}

function withLatest(dataset: Dataset, version: DatasetVersion, now: number): Dataset {
  return {
    ...dataset,
    version: dataset.version + 1,
    latestVersionId: version.id,
    format: version.format,
    updatedAt: now,
  };
}

function opener(at: Surroundings): OpenFile {
  return async (file, range) => (await at.blobs.open(file.sha256, range)).content;
}

function digestOf(format: DataFormat, target: string | null, files: readonly DataFile[]): string {
  const content: Json = {
    format,
    target,
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
  };
  return createHash('sha256').update(canonicalJson(content)).digest('hex');
}
