import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnusableError } from '../contract/store.ts';

/**
 * Writes the database of a state folder, as of one moment, to a new file. Other processes may write to it meanwhile and
 * wait for nothing. Throws StoreUnusableError when there is none or it cannot be read.
 */
export function copyDatabase(folder: string, target: string): void {
  const path = join(folder, 'fathom.db');
  if (!existsSync(path)) {
    throw new StoreUnusableError('NO_ACCESS', `There is no database in ${folder}.`);
  }
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  try {
    database.prepare('vacuum into ?').run(target);
  } finally {
    database.close();
  }
}
