import type { InputFile } from '../../backends/contract/workload.ts';
import type { DatasetVersion, Split } from '../../domain/dataset.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Surroundings } from '../surroundings.ts';

/** The data of a run: files for its work folder, and the part `data` of its workload.json. */
export interface WorkloadData {
  readonly description: JsonObject;
  readonly files: readonly InputFile[];
}

const root = 'data';
const splitPath = 'data/split.json';

/** Both were recorded when the run was accepted and never change, so their absence is a fault of ours. */
export async function inputsOf(
  at: Surroundings,
  versionId: string,
  splitId: string,
): Promise<WorkloadData> {
  const [version, split] = await Promise.all([
    at.store.datasetVersions.get(versionId),
    at.store.splits.get(splitId),
  ]);
  if (version === null || split === null || split.datasetVersionId !== version.id) {
    throw new Error(`The data ${versionId} with the split ${splitId} is not there.`);
  }
  const { bytes } = await at.blobs.open(split.sha256, { end: 0 });
  return {
    description: {
      format: version.format,
      root,
      files: version.files.map((file) => ({ path: `${root}/${file.path}`, bytes: file.bytes })),
      split: splitPath,
      target: version.target,
    },
    files: inputFilesOf(version, split, bytes),
  };
}

/** The files under `data/` and the split's list, of `splitBytes` bytes, under `data/split.json`. */
export function inputFilesOf(
  version: Pick<DatasetVersion, 'files'>,
  split: Pick<Split, 'sha256'>,
  splitBytes: number,
): readonly InputFile[] {
  return [
    ...version.files.map((file) => blobFile(`${root}/${file.path}`, file.sha256, file.bytes)),
    blobFile(splitPath, split.sha256, splitBytes),
  ];
}

/** Without a URL: links expire, a workload is read again after a restart and must be the same then. */
function blobFile(path: string, sha256: string, bytes: number): InputFile {
  return { path, content: { kind: 'BLOB', sha256, bytes, url: null } };
}
