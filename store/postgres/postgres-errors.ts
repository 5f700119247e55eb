import { FathomError } from '../../domain/errors.ts';

/** The five characters by which PostgreSQL names what went wrong, or null when it said nothing of the kind. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** Another transaction came between: run again, it may pass. Nothing of it was kept. */
const conflicts: ReadonlySet<string> = new Set(['40001', '40P01']);
const uniqueViolation = '23505';

/** Serialisation failures and deadlocks. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(sqlState(error) ?? '');
}

/** Two transactions side by side took one value; which of them has it is known when the second one runs again. */
export function isTaken(error: unknown): boolean {
  return sqlState(error) === uniqueViolation;
}

/** As FathomError where the error table has a code; otherwise the error as it is. */
export function translatePostgres(error: unknown): unknown {
  if (error instanceof FathomError) return error;
  const state = sqlState(error);
  if (state === null) return isLostConnection(error) ? unavailable(error) : error;
  switch (state) {
    case uniqueViolation:
      return new FathomError('ALREADY_EXISTS', 'A value that must be unique is taken.', {
        cause: error,
      });
    // Disk full, and limits of space that an operator set.
    case '53100':
    case '53400':
      return new FathomError('STORAGE_FULL', 'There is no room left for the database.', {
        retryAfterMs: 5_000,
        cause: error,
      });
    // Conflicts that did not end, locks that nobody let go of, statements that took too long.
    case '40001':
    case '40P01':
    case '55P03':
    case '57014':
      return overloaded(error);
    // The transaction stood still for too long, so the server ended it; a standby took over or is asked.
    case '25P03':
    case '25006':
      return unavailable(error);
    default:
      return isAway(state) ? unavailable(error) : error;
  }
}

export function isStorageFull(error: unknown): error is FathomError {
  return error instanceof FathomError && error.code === 'STORAGE_FULL';
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof FathomError && error.code === 'STORE_UNAVAILABLE';
}

/** Lost connections, no room for one more, a server that stops, starts or broke down, a failing disk. */
function isAway(state: string): boolean {
  return /^(08|53|57P|58)/.test(state);
}

const lostCodes: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
]);
/** What `pg` says by words alone. */
const lostWords =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|not queryable|Query read timeout|timeout expired/;

function isLostConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isLostConnection);
  return ('code' in error && lostCodes.has(error.code)) || lostWords.test(error.message);
}

function unavailable(cause: unknown): FathomError {
  return new FathomError('STORE_UNAVAILABLE', 'The database cannot be reached for now.', {
    retryAfterMs: 1_000,
    cause,
  });
}

function overloaded(cause: unknown): FathomError {
  return new FathomError('OVERLOADED', 'Others keep the database busy.', {
    retryAfterMs: 500,
    cause,
  });
}
