import { FathomError } from '../../domain/errors.ts';

/** Primary result codes of SQLite that mean something to us. */
export const sqliteCodes = {
  BUSY: 5,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  CONSTRAINT: 19,
  NOTADB: 26,
} as const;

/** The primary result code of an error of node:sqlite, or null when it is something else. */
export function sqliteCode(error: unknown): number | null {
  if (!(error instanceof Error) || !('errcode' in error)) return null;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : null;
}

/** As FathomError where the error table has a code; otherwise the error as it is. */
export function translateSqlite(error: unknown): unknown {
  switch (sqliteCode(error)) {
    case sqliteCodes.BUSY:
      return new FathomError('OVERLOADED', 'Other processes keep the database busy.', {
        retryAfterMs: 500,
        cause: error,
      });
    case sqliteCodes.FULL:
      return storageFull('There is no room left for the database.', error);
    case sqliteCodes.IOERR:
      return isReadFailure(error)
        ? new FathomError('INTERNAL', 'The disk cannot be read.', { cause: error })
        : storageFull('The disk refuses to write the database.', error);
    case sqliteCodes.READONLY:
      return storageFull('The disk refuses to write the database.', error);
    case sqliteCodes.CORRUPT:
    case sqliteCodes.NOTADB:
      return new FathomError('INTERNAL', 'The database is damaged.', { cause: error });
    case sqliteCodes.CONSTRAINT:
      return new FathomError('ALREADY_EXISTS', 'A value that must be unique is taken.', {
        cause: error,
      });
    case null:
    default:
      return error;
  }
}

/** SQLITE_IOERR_READ and SQLITE_IOERR_SHORT_READ: not a matter of room. */
function isReadFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  return error.errcode === 266 || error.errcode === 522;
}

const refusals: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EFBIG']);

/** The same for an error of the file system. */
export function translateFile(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return refusals.has(code) ? storageFull('There is no room left for the streams.', error) : error;
}

export function isStorageFull(error: unknown): error is FathomError {
  return error instanceof FathomError && error.code === 'STORAGE_FULL';
}

export function isBusy(error: unknown): boolean {
  return error instanceof FathomError && sqliteCode(error.cause) === sqliteCodes.BUSY;
}

function storageFull(message: string, cause: unknown): FathomError {
  return new FathomError('STORAGE_FULL', message, { retryAfterMs: 5000, cause });
}
