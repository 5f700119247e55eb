import type { ModuleVersion } from '../../domain/module.ts';
import { folderDigest } from './catalogue-folders.ts';

/**
 * A version never changes, a folder of code may. Null when the code is the version's own; otherwise a sentence that says
 * what to do. Asked before the first dispatch, so that no result is credited to code that did not make it.
 */
export async function changedCode(
  version: Pick<ModuleVersion, 'name' | 'source' | 'digest'>,
): Promise<string | null> {
  if (version.source.kind !== 'FOLDER') return null;
  const digest = await folderDigest(version.source.path).catch(() => null);
  if (digest === version.digest) return null;
  const what = digest === null ? 'is not there any more' : 'was changed';
  return `The code of version ${version.name} ${what} in ${version.source.path}. Refresh the catalogue and use the version that it lists.`;
}
