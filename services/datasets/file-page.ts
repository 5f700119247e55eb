import type { DataFile } from '../../domain/dataset.ts';
import { FathomError } from '../../domain/errors.ts';
import type { Page, PageRequest } from '../../domain/page.ts';

/** A window on the files of a version, by path. A cursor stands for its path, so it holds in every version. */
export function filePage(files: readonly DataFile[], page: PageRequest): Page<DataFile> {
  const after = page.after === undefined ? null : pathOf(page.after);
  const before = page.before === undefined ? null : pathOf(page.before);
  const inside = files.filter(
    (file) => (after === null || file.path > after) && (before === null || file.path < before),
  );
  const taken = page.last === undefined ? inside.slice(0, page.first) : inside.slice(-page.last);
  const [first, last] = [taken[0], taken.at(-1)];
  return {
    items: taken.map((node) => ({ node, cursor: cursorOf(node.path) })),
    hasNextPage: last !== undefined && files.at(-1) !== last,
    hasPreviousPage: first !== undefined && files[0] !== first,
  };
}

const prefix = 'file ';

function cursorOf(path: string): string {
  return Buffer.from(`${prefix}${path}`).toString('base64url');
}

function pathOf(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  if (text.startsWith(prefix)) return text.slice(prefix.length);
  throw new FathomError('BAD_REQUEST', 'The cursor is not one of this list.');
}
