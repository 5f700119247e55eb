import { DatabaseSync } from 'node:sqlite';
import { sqliteCode, sqliteCodes } from './sqlite-errors.ts';

/**
 * A lock of the operating system on a file of its own: it ends with the process, however that ends. Many may have it
 * `shared`, or one `exclusive`. The file must never be opened by anything else in this process: closing any descriptor
 * of it would drop the lock.
 */
export class FileLock {
  readonly #database: DatabaseSync;
  #held: 'shared' | 'exclusive' | null = null;

  /** Makes the file when it is not there. Throws what the file system says. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 0 });
  }

  get held(): 'shared' | 'exclusive' | null {
    return this.#held;
  }

  /** Never waits. False when others stand in the way; then nothing is held, nor what was held before. */
  try(mode: 'shared' | 'exclusive'): boolean {
    this.unlock();
    try {
      this.#database.exec(
        mode === 'exclusive'
          ? 'pragma journal_mode = memory; begin exclusive'
          : // A transaction that has read holds on to what it read.
            'begin; select count(*) from sqlite_schema',
      );
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('rollback');
      if (sqliteCode(error) !== sqliteCodes.BUSY) throw error;
      return false;
    }
    this.#held = mode;
    return true;
  }

  unlock(): void {
    if (this.#held === null) return;
    this.#held = null;
    this.#database.exec('rollback');
  }

  close(): void {
    this.#held = null;
    if (this.#database.isOpen) this.#database.close();
  }
}
