import type { DatasetsArgs } from '../../schema/datasets/dataset-list.ts';
import type {
  CreateDatasetInput,
  CreateDatasetVersionInput,
  CreateSplitInput,
  CreateUploadsInput,
  SplitInput,
  UpdateDatasetInput,
  VersionFileInput,
} from '../../schema/datasets/inputs.ts';
import type { DatasetFilter, DatasetOrder } from '../../services/datasets/dataset-reads.ts';
import type {
  CreateDataset,
  CreateDatasetVersion,
  CreateSplit,
  UpdateDataset,
} from '../../services/datasets/datasets.ts';
import type { SplitWish } from '../../services/datasets/splits.ts';
import type { CreateUploads } from '../../services/datasets/uploads.ts';
import type { VersionFile } from '../../services/datasets/version-files.ts';

export function filterOf({ filter }: DatasetsArgs): DatasetFilter {
  return {
    search: filter?.search ?? null,
    format: filter?.format ?? null,
    visibility: filter?.visibility ?? null,
  };
}

export function orderOf({ orderBy }: DatasetsArgs): DatasetOrder {
  return { field: orderBy?.field ?? 'CREATED_AT', direction: orderBy?.direction ?? 'DESC' };
}

export function createDataset(input: CreateDatasetInput): CreateDataset {
  const { name, title, description, licence, visibility, idempotencyKey } = input;
  return {
    name,
    title: title ?? name,
    description,
    licence: licence ?? null,
    visibility,
    idempotencyKey: idempotencyKey ?? null,
  };
}

export function updateDataset(input: UpdateDatasetInput): UpdateDataset {
  const { id, expectedVersion, title, description, licence, visibility } = input;
  return {
    id,
    expectedVersion: expectedVersion ?? null,
    ...(title != null && { title }),
    ...(description != null && { description }),
    ...(licence !== undefined && { licence }),
    ...(visibility != null && { visibility }),
  };
}

export function createUploads(input: CreateUploadsInput): CreateUploads {
  const { datasetId, files, idempotencyKey } = input;
  return {
    datasetId,
    files: files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 })),
    idempotencyKey: idempotencyKey ?? null,
  };
}

export function createVersion(input: CreateDatasetVersionInput): CreateDatasetVersion {
  const { datasetId, format, target, files, split, idempotencyKey } = input;
  return {
    datasetId,
    format,
    target: target ?? null,
    files: files == null ? null : files.map(versionFile),
    split: split == null ? null : splitWish(split),
    idempotencyKey: idempotencyKey ?? null,
  };
}

export function createSplit(input: CreateSplitInput): CreateSplit {
  const { datasetVersionId, idempotencyKey } = input;
  return { datasetVersionId, ...splitWish(input), idempotencyKey: idempotencyKey ?? null };
}

function splitWish({ rule, seed, testFraction }: SplitInput): SplitWish {
  return { rule, seed, testFraction };
}

function versionFile({ uploadId, fromVersionId, sha256, path }: VersionFileInput): VersionFile {
  return {
    uploadId: uploadId ?? null,
    fromVersionId: fromVersionId ?? null,
    sha256: sha256 ?? null,
    path: path ?? null,
  };
}
