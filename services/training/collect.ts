import { createHash } from 'node:crypto';
import { BackendError } from '../../backends/contract/error.ts';
import type { OutputFolder } from '../../backends/contract/job-runner.ts';
import type { DataFile } from '../../domain/dataset.ts';
import { newId } from '../../domain/ids.ts';
import { canonicalJson, isJsonObject, type Json } from '../../domain/json.ts';
import type { Artifact, ArtifactKind, Attempt, TrainingRun } from '../../domain/training-run.ts';
import type { BlobStore } from '../../storage/contract/blob-store.ts';
import type { Surroundings } from '../surroundings.ts';

/** The output document of a module: the truth about a training that ended with exit code 0. */
export interface OutputDocument {
  readonly metrics: { readonly [name: string]: number };
  readonly artifacts: readonly {
    readonly name: string;
    readonly kind: ArtifactKind;
    readonly path: string;
  }[];
}

const maximumDocumentBytes = 1024 * 1024;
/** Distinct metrics that a run keeps the latest value of. */
export const maximumMetrics = 256;
const relativePath = /^(?!\.{1,2}(?:\/|$))[^/\\\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\\\0]+)*$/;

/** `missing` when there is none; a sentence when it is not one. */
export async function readOutputDocument(
  outputs: OutputFolder,
): Promise<
  { readonly document: OutputDocument } | { readonly problem: string; readonly missing: boolean }
> {
  const listed = (await outputs.list('output.json')).find((file) => file.path === 'output.json');
  if (listed === undefined) {
    return { problem: 'The module ended without writing out/output.json.', missing: true };
  }
  if (listed.bytes > maximumDocumentBytes) {
    return {
      problem: `out/output.json has ${listed.bytes} bytes; at most 1 MiB is read.`,
      missing: false,
    };
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of await outputs.read('output.json')) chunks.push(chunk);
  let value: Json;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Json;
  } catch {
    return { problem: 'out/output.json is not JSON.', missing: false };
  }
  return parseOutputDocument(value);
}

function parseOutputDocument(
  value: Json,
): { readonly document: OutputDocument } | { readonly problem: string; readonly missing: boolean } {
  const bad = (problem: string) => ({ problem: `out/output.json: ${problem}`, missing: false });
  if (!isJsonObject(value)) return bad('it is not an object.');
  const { metrics = {}, artifacts = [] } = value;
  if (!isJsonObject(metrics)) return bad('`metrics` is not an object.');
  if (Object.keys(metrics).length > maximumMetrics)
    return bad(`it has more than ${maximumMetrics} metrics.`);
  for (const [name, number] of Object.entries(metrics)) {
    if (typeof number !== 'number' || !Number.isFinite(number))
      return bad(`metric ${name} is not a number.`);
  }
  if (!Array.isArray(artifacts)) return bad('`artifacts` is not a list.');
  const parsed: { name: string; kind: ArtifactKind; path: string }[] = [];
  for (const item of artifacts as readonly Json[]) {
    if (!isJsonObject(item)) return bad('an artifact is not an object.');
    const { name, kind, path } = item;
    if (typeof name !== 'string' || !/^[\w.-]{1,100}$/.test(name))
      return bad('an artifact has no usable name.');
    if (kind !== 'MODEL' && kind !== 'OUTPUT')
      return bad(`artifact ${name}: kind is MODEL or OUTPUT.`);
    if (typeof path !== 'string' || !relativePath.test(path) || !path.startsWith('out/')) {
      return bad(`artifact ${name}: path is not inside out/.`);
    }
    parsed.push({ name, kind, path: path.slice('out/'.length) });
  }
  return { document: { metrics: metrics as { [name: string]: number }, artifacts: parsed } };
}

/** Files that will never become an artifact, however often it is tried; the message is for a person. */
export class UnusableOutputError extends Error {
  override readonly name = 'UnusableOutputError';
}

/**
 * Stores the files under `folder` of the outputs and describes them as an artifact; null when there are none. Reading is
 * repeatable, so a crash before the artifact is recorded costs only work. Rejects with UnusableOutputError.
 */
export async function collectArtifact(
  at: Pick<Surroundings, 'blobs' | 'ambient'>,
  outputs: OutputFolder,
  source: { readonly run: TrainingRun; readonly attempt: Attempt },
  what: {
    readonly kind: ArtifactKind;
    readonly name: string;
    readonly folder: string;
    readonly epoch: number | null;
    readonly metrics: { readonly [name: string]: number };
  },
): Promise<Artifact | null> {
  const files = await storeFiles(at.blobs, outputs, what.folder);
  if (files.length === 0) return null;
  const { run, attempt } = source;
  const now = at.ambient.now();
  return {
    id: newId('Artifact', now, () => at.ambient.random()),
    version: 1,
    owner: run.owner,
    visibility: run.visibility,
    runId: run.id,
    attemptId: attempt.id,
    kind: what.kind,
    name: what.name,
    epoch: what.epoch,
    files,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    digest: digestOfFiles(files),
    lineage: {
      moduleVersionId: run.moduleVersionId,
      datasetVersionId: run.datasetVersionId,
      splitId: run.splitId,
      arguments: run.arguments,
      seed: run.seed,
    },
    metrics: what.metrics,
    createdAt: now,
  };
}

const maximumFiles = 10_000;

async function storeFiles(
  blobs: BlobStore,
  outputs: OutputFolder,
  folder: string,
): Promise<readonly DataFile[]> {
  const listed = (await outputs.list(folder)).filter(
    (file) => file.path === folder || file.path.startsWith(`${folder}/`),
  );
  if (listed.length > maximumFiles) {
    throw new UnusableOutputError(`out/${folder} has more than ${maximumFiles} files.`);
  }
  const files: DataFile[] = [];
  for (const file of listed) {
    const { sha256, bytes } = await blobs.put(await readListed(outputs, file.path));
    const path = file.path === folder ? basename(file.path) : file.path.slice(folder.length + 1);
    files.push({ path, bytes, sha256 });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** What is listed and yet cannot be read is the module's doing (an odd name, a forbidden file), not a job that is gone. */
async function readListed(outputs: OutputFolder, path: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    return await outputs.read(path);
  } catch (error) {
    if (!(error instanceof BackendError) || error.kind !== 'NotFound') throw error;
    throw new UnusableOutputError(`The file ${JSON.stringify(`out/${path}`)} cannot be read.`);
  }
}

function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function digestOfFiles(files: readonly DataFile[]): string {
  const list = files.map(({ path, bytes, sha256 }) => ({ path, bytes, sha256 }));
  return createHash('sha256').update(canonicalJson(list)).digest('hex');
}
