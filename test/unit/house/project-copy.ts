import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';

export const root = resolve(import.meta.dirname, '..', '..', '..');

/**
 * A folder with this project's rules and packages but none of its sources: `files` (path → text) are
 * its sources. Removed when the test ends, or by `remove` outside a test.
 */
export async function projectCopy(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fathom-house-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const path of [
    '.oxlintrc.json',
    'tsconfig.json',
    'package.json',
    'test/house',
    'server/launch.mjs',
    'server/build.mjs',
  ]) {
    await cp(join(root, path), join(folder, path), { recursive: true });
  }
  await writeFiles(folder, files);
  return folder;
}

export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}
