import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where derived files stand, alone or among written ones. */
const derived = ['schema/snapshots', 'codegen', 'docs', 'README.md', '.env.example'];

/** Folders that hold nothing but derived files: code generation that leaves one empty did not work. */
const mustHave = ['schema/snapshots', 'codegen/client/generated'];

/** Path → digest of every file in a place where derived files stand. */
export type Fingerprint = ReadonlyMap<string, string>;

export async function fingerprint(root: string): Promise<Fingerprint> {
  const found = await Promise.all(derived.map((place) => filesBelow(root, place)));
  const pairs = found.flat().map(async (path) => {
    const bytes = await readFile(join(root, path));
    return [path, createHash('sha256').update(bytes).digest('hex')] as const;
  });
  return new Map(await Promise.all(pairs));
}

/** Sentences about files that code generation changed, wrote, removed, or failed to write. */
export function derivedFindings(before: Fingerprint, after: Fingerprint): readonly string[] {
  const paths = [...new Set([...before.keys(), ...after.keys()])].toSorted();
  const changed = paths
    .filter((path) => before.get(path) !== after.get(path))
    .map((path) => `${path} did not match what code generation writes`);
  const empty = mustHave
    .filter((folder) => !paths.some((path) => path.startsWith(`${folder}/`) && after.has(path)))
    .map((folder) => `${folder}/ is empty after code generation`);
  return [...changed, ...empty];
}

async function filesBelow(root: string, place: string): Promise<readonly string[]> {
  const entries = await readdir(join(root, place), { recursive: true, withFileTypes: true }).catch(
    () => undefined,
  );
  // Not a folder: a file, or not there.
  if (entries === undefined) {
    const isFile = await readFile(join(root, place)).then(
      () => true,
      () => false,
    );
    return isFile ? [place] : [];
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}
