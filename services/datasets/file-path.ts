import { FathomError } from '../../domain/errors.ts';
import { datasetLimits } from './limits.ts';

/** Below the data of a run this name is the platform's own. */
const reserved = 'split.json';
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const unprintable = /[\u0000-\u001f\u007f\\]/;

/**
 * The path of a file in a data set, in Unicode's composed form (macOS sends the decomposed one). INVALID_ARGUMENT at
 * `at` unless it is relative, stays inside, and can be stored by every file system.
 */
export function filePath(text: string, at: readonly string[]): string {
  const complaint = complaintAbout(text);
  if (complaint !== null) {
    throw new FathomError('INVALID_ARGUMENT', `The path ${quoted(text)} ${complaint}`, {
      path: at,
    });
  }
  return text.normalize('NFC');
}

/** Two paths that some file system would take for one, or null. */
export function pathConflict(
  paths: readonly string[],
): { readonly first: string; readonly second: string; readonly why: string } | null {
  const byFolded = new Map<string, string>();
  for (const path of paths) {
    const folded = path.toLowerCase();
    const other = byFolded.get(folded);
    if (other !== undefined) {
      const why = other === path ? 'are the same path' : 'differ only in case';
      return { first: other, second: path, why };
    }
    byFolded.set(folded, path);
  }
  for (const path of paths) {
    const segments = path.toLowerCase().split('/');
    for (let depth = 1; depth < segments.length; depth++) {
      const file = byFolded.get(segments.slice(0, depth).join('/'));
      if (file !== undefined) {
        return { first: file, second: path, why: 'make one name a file and a folder' };
      }
    }
  }
  return null;
}

function complaintAbout(text: string): string | null {
  if (text === '') return 'is empty.';
  if (!text.isWellFormed()) return 'is not well-formed Unicode.';
  const path = text.normalize('NFC');
  if (unprintable.test(path)) return 'has a control character or a backslash.';
  if (path.startsWith('/')) return 'is absolute; give it relative to the data set.';
  if (Buffer.byteLength(path) > datasetLimits.pathBytes) {
    return `is longer than ${datasetLimits.pathBytes} bytes.`;
  }
  if (path.toLowerCase() === reserved) return 'is reserved for the split of a run.';
  for (const segment of path.split('/')) {
    if (segment === '') return 'has an empty part.';
    if (segment === '.' || segment === '..') return `has the part \`${segment}\`.`;
    if (Buffer.byteLength(segment) > datasetLimits.segmentBytes) {
      return `has a part longer than ${datasetLimits.segmentBytes} bytes.`;
    }
  }
  return null;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
