import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Path relative to the root → content. */
export type DerivedFiles = ReadonlyMap<string, string>;

/**
 * Writes what changed. Folders named in `whole` hold nothing but derived files: what is no longer derived is removed
 * from them. Returns the paths that were written or removed, sorted.
 */
export async function writeDerived(
  root: string,
  files: DerivedFiles,
  whole: readonly string[],
): Promise<readonly string[]> {
  const touched: string[] = [];
  for (const [path, content] of files) {
    const old = await readFile(join(root, path), 'utf8').catch(() => null);
    if (old === content) continue;
    await mkdir(dirname(join(root, path)), { recursive: true });
    const partial = join(root, `${path}.partial`);
    await writeFile(partial, content);
    await rename(partial, join(root, path));
    touched.push(path);
  }
  for (const folder of whole) {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      const path = join(entry.parentPath, entry.name).slice(root.length + 1);
      if (!entry.isFile() || files.has(path)) continue;
      await rm(join(root, path));
      touched.push(path);
    }
  }
  return touched.toSorted();
}
