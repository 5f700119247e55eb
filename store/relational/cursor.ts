import { FathomError } from '../../domain/errors.ts';

/** A place in a total order: the sort key of a row and its id. */
export interface Position {
  readonly key: string | number;
  readonly id: string;
}

/** `order` names table, column and direction, so that a cursor is refused by any other order. */
export function encodeCursor(order: string, position: Position): string {
  return Buffer.from(JSON.stringify([order, position.key, position.id])).toString('base64url');
}

/** Throws BAD_REQUEST when `cursor` was not made by `encodeCursor` for the same order and type of key. */
export function decodeCursor(
  order: string,
  keyType: 'text' | 'integer' | 'real',
  cursor: string,
): Position {
  const position = parse(order, cursor);
  const expected = keyType === 'text' ? 'string' : 'number';
  if (position === null || typeof position.key !== expected) {
    throw new FathomError('BAD_REQUEST', 'The cursor does not belong to this list and its order.');
  }
  return position;
}

function parse(order: string, cursor: string): Position | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length !== 3 || value[0] !== order) return null;
  const [, key, id] = value as readonly unknown[];
  if (typeof id !== 'string' || (typeof key !== 'string' && typeof key !== 'number')) return null;
  // Base64 has several spellings of one value; only ours is accepted, so a cursor can be compared as text.
  return encodeCursor(order, { key, id }) === cursor ? { key, id } : null;
}
