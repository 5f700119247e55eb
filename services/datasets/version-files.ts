import type { DataFile, Upload } from '../../domain/dataset.ts';
import type { Id } from '../../domain/ids.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf } from '../visible.ts';
import { filePath, pathConflict } from './file-path.ts';
import { Findings } from './findings.ts';
import { compareText } from './formats/examples.ts';
import { datasetLimits } from './limits.ts';

/** Where a file of a new version comes from: exactly one of the three. `path` renames an upload, and names the others. */
export interface VersionFile {
  readonly uploadId: string | null;
  /** A version of any data set that the actor may see; the file is the one at `path` there. */
  readonly fromVersionId: string | null;
  /** The digest of a complete upload to this data set. */
  readonly sha256: string | null;
  readonly path: string | null;
}

type FileFinder = (
  file: VersionFile,
  findings: Findings,
  at: readonly string[],
) => DataFile | null | Promise<DataFile | null>;

/**
 * The files that were asked for, sorted by path; null asks for the newest complete upload of each path. Throws all
 * findings together.
 */
export async function resolveFiles(
  at: Surroundings,
  datasetId: Id<'Dataset'>,
  wanted: readonly VersionFile[] | null,
  versionFiles: (versionId: string) => Promise<readonly DataFile[] | null>,
): Promise<readonly DataFile[]> {
  const findings = new Findings();
  const files =
    wanted === null
      ? newestOfEachPath(await completeUploads(at, datasetId))
      : await named(at, datasetId, wanted, versionFiles, findings);
  findings.settle();
  const sorted = files.toSorted((a, b) => compareText(a.path, b.path));
  const most = datasetLimits.filesPerVersion;
  if (sorted.length < 1 || sorted.length > most) {
    findings.add(['files'], `A version has 1 to ${most} files; these are ${sorted.length}.`);
  }
  if (sorted.reduce((sum, file) => sum + file.bytes, 0) > datasetLimits.versionBytes) {
    findings.add(['files'], `A version has at most ${datasetLimits.versionBytes} bytes.`);
  }
  const conflict = pathConflict(sorted.map((file) => file.path));
  if (conflict !== null) {
    findings.add(['files'], `${conflict.first} and ${conflict.second} ${conflict.why}.`);
  }
  findings.settle();
  return sorted;
}

async function named(
  at: Surroundings,
  datasetId: Id<'Dataset'>,
  wanted: readonly VersionFile[],
  versionFiles: (versionId: string) => Promise<readonly DataFile[] | null>,
  findings: Findings,
): Promise<readonly DataFile[]> {
  if (wanted.length > datasetLimits.filesPerVersion) {
    findings.add(['files'], `A version has at most ${datasetLimits.filesPerVersion} files.`);
    return [];
  }
  const finders = {
    uploadId: await byUpload(at, datasetId, wanted),
    fromVersionId: byVersion(versionFiles),
    sha256: byDigest(
      wanted.some((file) => file.sha256 !== null) ? await completeUploads(at, datasetId) : [],
    ),
  };
  const files: DataFile[] = [];
  for (const [index, file] of wanted.entries()) {
    const path = ['files', String(index)];
    const given = (['uploadId', 'fromVersionId', 'sha256'] as const).filter(
      (name) => file[name] !== null,
    );
    const [way] = given;
    if (way === undefined || given.length > 1) {
      findings.add(path, 'Give exactly one of uploadId, fromVersionId and sha256.');
      continue;
    }
    const found = await finders[way](file, findings, path);
    if (found !== null) files.push(found);
  }
  return files;
}

async function byUpload(
  at: Surroundings,
  datasetId: Id<'Dataset'>,
  wanted: readonly VersionFile[],
): Promise<FileFinder> {
  const ids = wanted.map((file) => file.uploadId).filter((id) => id !== null);
  const uploads = new Map<string, Upload>();
  for (let from = 0; from < ids.length; from += 1000) {
    for (const upload of await at.store.uploads.getMany(ids.slice(from, from + 1000))) {
      if (upload?.datasetId === datasetId) uploads.set(upload.id, upload);
    }
  }
  return (file, findings, path) => {
    const where = [...path, 'uploadId'];
    const id = findings.try(() => idOf('Upload', file.uploadId ?? '', where));
    if (id === null) return null;
    const upload = uploads.get(id);
    if (upload === undefined) {
      findings.add(where, `This data set has no upload ${id}.`);
      return null;
    }
    if (upload.state !== 'COMPLETE') {
      findings.add(where, `${upload.path} is ${upload.state}, not COMPLETE.`);
      return null;
    }
    const name = file.path;
    const renamed =
      name === null ? upload.path : findings.try(() => filePath(name, [...path, 'path']));
    return renamed === null ? null : fileOf(upload, renamed);
  };
}

function byVersion(
  versionFiles: (versionId: string) => Promise<readonly DataFile[] | null>,
): FileFinder {
  const known = new Map<string, ReadonlyMap<string, DataFile> | null>();
  return async (file, findings, path) => {
    const where = [...path, 'fromVersionId'];
    const id = findings.try(() => idOf('DatasetVersion', file.fromVersionId ?? '', where));
    if (id === null) return null;
    if (!known.has(id)) {
      const files = await versionFiles(id);
      known.set(id, files && new Map(files.map((one) => [one.path, one])));
    }
    const files = known.get(id) ?? null;
    if (files === null) {
      findings.add(where, `There is no DatasetVersion ${id}.`);
      return null;
    }
    const found = files.get((file.path ?? '').normalize('NFC')) ?? null;
    if (found === null) findings.add([...path, 'path'], `${id} has no file ${file.path ?? ''}.`);
    return found;
  };
}

function byDigest(uploads: readonly Upload[]): FileFinder {
  const known = new Map(uploads.map((upload) => [upload.sha256, upload]));
  return (file, findings, path) => {
    const upload = known.get((file.sha256 ?? '').toLowerCase()) ?? null;
    if (upload === null) {
      findings.add([...path, 'sha256'], 'No complete upload to this data set has that SHA-256.');
      return null;
    }
    const name = file.path ?? upload.path;
    const checked = findings.try(() => filePath(name, [...path, 'path']));
    return checked === null ? null : fileOf(upload, checked);
  };
}

/** Newest last. */
async function completeUploads(
  at: Surroundings,
  datasetId: Id<'Dataset'>,
): Promise<readonly Upload[]> {
  const uploads = await at.store.uploads.list(
    {
      where: { datasetId, state: 'COMPLETE' },
      orderBy: { column: 'createdAt', direction: 'DESC' },
    },
    5 * datasetLimits.filesPerVersion,
  );
  return uploads.toReversed();
}

function newestOfEachPath(uploads: readonly Upload[]): readonly DataFile[] {
  return [...new Map(uploads.map((upload) => [upload.path, fileOf(upload, upload.path)])).values()];
}

function fileOf({ bytes, sha256 }: Upload, path: string): DataFile {
  return { path, bytes, sha256 };
}
