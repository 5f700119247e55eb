import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { isRecord } from './arguments.ts';

export interface ActionFiles {
  /** Folder of the trained artifact; null when the module serves what it ships. */
  readonly artifact: string | null;
  /** The environment less what was meant for us. */
  readonly rest: Readonly<Record<string, string>>;
}

/**
 * Lays out the files that a function was deployed with, in a folder of the container's own: `FATHOM_FILES` holds texts
 * by path, `FATHOM_ARTIFACT_FOLDER` says which folder of them is the trained artifact.
 * Rejects with one sentence when they cannot be had.
 */
export async function bringFiles(
  environment: Readonly<Record<string, string>>,
): Promise<ActionFiles> {
  const { FATHOM_FILES: texts, FATHOM_ARTIFACT_FOLDER: artifactFolder, ...rest } = environment;
  if (texts === undefined && artifactFolder === undefined) return { artifact: null, rest };
  const folder = await mkdtemp(join(tmpdir(), 'fathom-action-'));
  for (const [path, text] of Object.entries(textsOf(texts ?? '{}'))) {
    const place = join(folder, innerPath(path));
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
  }
  const artifact = artifactFolder === undefined ? null : join(folder, innerPath(artifactFolder));
  return { artifact, rest };
}

function textsOf(json: string): Readonly<Record<string, string>> {
  const value: unknown = JSON.parse(json);
  if (!isRecord(value)) throw new Error('FATHOM_FILES is not an object.');
  return Object.fromEntries(Object.entries(value).map(([path, text]) => [path, String(text)]));
}

function innerPath(path: string): string {
  const clean = posix.normalize(path);
  if (clean.startsWith('/') || clean === '..' || clean.startsWith('../')) {
    throw new Error(`The path ${JSON.stringify(path)} leads out of the folder.`);
  }
  return clean;
}
