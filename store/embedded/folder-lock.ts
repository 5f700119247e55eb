import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StoreUnusableError } from '../contract/store.ts';
import { sqliteCode, sqliteCodes } from './sqlite-errors.ts';

/**
 * Holds a folder for this process until `release`. The lock is the operating system's, on `lock.db`, so it ends with the
 * process however that ends. Throws StoreUnusableError IN_USE, naming the process that holds it.
 */
export function lockFolder(folder: string): { release(): void } {
  const path = join(folder, 'lock.db');
  const note = join(folder, 'lock.pid');
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = memory; begin exclusive');
  } catch (error) {
    database.close();
    if (sqliteCode(error) !== sqliteCodes.BUSY) throw error;
    throw new StoreUnusableError(
      'IN_USE',
      `The folder ${folder} is in use by ${holder(note)}. Stop it first, or give this one another folder.`,
      error,
    );
  }
  try {
    writeFileSync(note, `${process.pid}\n`);
  } catch {
    // Only for the sentence above: the lock holds without it, also on a full disk.
  }
  return { release: () => database.close() };
}

function holder(note: string): string {
  try {
    const pid = Number.parseInt(readFileSync(note, 'utf8'), 10);
    return Number.isNaN(pid) ? 'another process' : `process ${pid}`;
  } catch {
    return 'another process';
  }
}
