import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import { fetchInputs } from '../launcher/inputs.ts';
import { Platform } from '../launcher/platform.ts';
import { isRecord } from './arguments.ts';

export interface ActionFiles {
  /** Folder of the trained artifact; null when the module serves what it ships. */
  readonly artifact: string | null;
  /** The environment less what was meant for us. */
  readonly rest: Readonly<Record<string, string>>;
}

/** The platform ends an /init that takes too long without a word of ours: we give up before, and say why. */
const patienceMs = 45_000;

/**
 * Lays out the files that a function was deployed with, in a folder of the container's own: `FATHOM_FILES` holds texts
 * by path, `FATHOM_DELIVERY_URL` and `FATHOM_DELIVERY_TOKEN` say where others are fetched, verified, and
 * `FATHOM_ARTIFACT_FOLDER` which folder of them is the trained artifact.
 * Rejects with one sentence when they cannot be had.
 */
export async function bringFiles(
  environment: Readonly<Record<string, string>>,
): Promise<ActionFiles> {
  const {
    FATHOM_FILES: texts = '{}',
    FATHOM_DELIVERY_URL: url,
    FATHOM_DELIVERY_TOKEN: token = '',
    FATHOM_ARTIFACT_FOLDER: artifactFolder,
    ...rest
  } = environment;
  const files = Object.entries(textsOf(texts));
  if (files.length === 0 && url === undefined && artifactFolder === undefined) {
    return { artifact: null, rest };
  }
  const folder = await mkdtemp(join(tmpdir(), 'fathom-action-'));
  for (const [path, text] of files) {
    const place = join(folder, innerPath(path));
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, text);
  }
  if (url !== undefined) {
    const say = (text: string): void => void process.stderr.write(`${text}\n`);
    await fetchInputs(new Platform({ url, token, giveUpMs: patienceMs, say }), folder);
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
