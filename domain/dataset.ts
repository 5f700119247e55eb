import type { Ownership } from './actor.ts';
import type { Id } from './ids.ts';
import type { StateTable } from './state.ts';

/** How examples are found in the files. FILES is opaque: each file is one example, without a label. */
export const dataFormats = ['IDX', 'IMAGE_FOLDER', 'CSV', 'FILES'] as const;
export type DataFormat = (typeof dataFormats)[number];

export const splitRules = ['RANDOM', 'STRATIFIED', 'TAIL'] as const;
/** RANDOM draws by seed; STRATIFIED draws by seed within each label; TAIL takes the last examples. */
export type SplitRule = (typeof splitRules)[number];

export interface Dataset extends Ownership {
  readonly id: Id<'Dataset'>;
  readonly version: number;
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly licence: string | null;
  readonly latestVersionId: Id<'DatasetVersion'> | null;
  /** Of the latest version; null until there is one. */
  readonly format: DataFormat | null;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface DataFile {
  /** Relative, `/` between segments, no `.` or `..` segment. */
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of the content, hexadecimal. */
  readonly sha256: string;
}

export interface LabelCount {
  readonly label: string;
  readonly count: number;
}

/** Never changes once made. */
export interface DatasetVersion {
  readonly id: Id<'DatasetVersion'>;
  readonly version: number;
  readonly datasetId: Id<'Dataset'>;
  /** 1, 2, 3 … within its data set. */
  readonly number: number;
  readonly format: DataFormat;
  /** The label column of a CSV; null elsewhere. */
  readonly target: string | null;
  /** Sorted by path. */
  readonly files: readonly DataFile[];
  readonly exampleCount: number;
  /** Sorted by label; empty when there are none. */
  readonly labels: readonly LabelCount[];
  /** SHA-256 over the canonical list of files, format and target. */
  readonly digest: string;
  readonly defaultSplitId: Id<'Split'>;
  readonly createdAt: number;
}

/** A named, reproducible division of the examples: same version, rule, seed and fraction give the same lists. */
export interface Split {
  readonly id: Id<'Split'>;
  readonly version: number;
  readonly datasetVersionId: Id<'DatasetVersion'>;
  readonly rule: SplitRule;
  readonly seed: number;
  readonly testFraction: number;
  readonly trainCount: number;
  readonly testCount: number;
  /** SHA-256 of the stored list `{rule, seed, train: [index…], test: [index…]}`. */
  readonly sha256: string;
  readonly createdAt: number;
}

export const uploadStates = {
  order: ['OPEN', 'COMPLETE'],
  next: { OPEN: ['COMPLETE', 'REFUSED', 'EXPIRED'], COMPLETE: [], REFUSED: [], EXPIRED: [] },
} as const satisfies StateTable<'OPEN' | 'COMPLETE' | 'REFUSED' | 'EXPIRED'>;
export type UploadState = keyof (typeof uploadStates)['next'];

/** One file on its way in. The bytes travel over HTTP in parts; COMPLETE only when the digest was verified. */
export interface Upload {
  readonly id: Id<'Upload'>;
  readonly version: number;
  readonly owner: string;
  readonly datasetId: Id<'Dataset'>;
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly state: UploadState;
  readonly stateSince: number;
  /** Why it was refused. */
  readonly refusal: string | null;
  readonly expiresAt: number;
  readonly createdAt: number;
}
