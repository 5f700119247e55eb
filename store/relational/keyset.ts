import { sql, type RawBuilder } from 'kysely';
import { FathomError } from '../../domain/errors.ts';
import { maximumPage, type Page, type PageRequest } from '../../domain/page.ts';
import { decodeCursor, encodeCursor, type Position } from './cursor.ts';

/** A total order: by a key, ties by id, both in one direction. */
export interface Order {
  /** Names the order inside its cursors. */
  readonly name: string;
  readonly keyType: 'text' | 'integer' | 'real';
  readonly direction: 'ASC' | 'DESC';
}

/** A row as every statement of a page selects it. */
export interface KeyedRow {
  readonly id: string;
  readonly key: string | number;
  readonly doc: string;
}

interface Bound {
  readonly at: Position;
  readonly inclusive: boolean;
}

/** A stretch of an order: rows between two places, walked forward or backward, at most `limit`. */
export interface Stretch {
  readonly from: Bound | null;
  readonly to: Bound | null;
  readonly backward: boolean;
  readonly limit: number;
}

/** What a page needs to read; `before` and `behind` only when a cursor is given: is anything beyond it? */
export interface Window {
  readonly size: number;
  /** One row more than asked for, to know whether there is more. */
  readonly items: Stretch;
  readonly before: Stretch | null;
  readonly behind: Stretch | null;
}

/** The first rows of an order. */
export function head(limit: number): Stretch {
  return { from: null, to: null, backward: false, limit };
}

/** Throws BAD_REQUEST on a bad cursor, or unless exactly one of `first` and `last` is there and within 1 to 100. */
export function windowOf(order: Order, request: PageRequest): Window {
  const size = request.first ?? request.last;
  if (size === undefined || (request.first !== undefined && request.last !== undefined)) {
    throw new FathomError('BAD_REQUEST', 'Give exactly one of first and last.');
  }
  if (!Number.isInteger(size) || size < 1 || size > maximumPage) {
    throw new FathomError('BAD_REQUEST', `A page has 1 to ${maximumPage} items.`);
  }
  const from = bound(order, request.after);
  const to = bound(order, request.before);
  return {
    size,
    items: { from, to, backward: request.last !== undefined, limit: size + 1 },
    before: from && { from: null, to: { ...from, inclusive: true }, backward: true, limit: 1 },
    behind: to && { from: { ...to, inclusive: true }, to: null, backward: false, limit: 1 },
  };
}

function bound(order: Order, cursor: string | undefined): Bound | null {
  if (cursor === undefined) return null;
  return { at: decodeCursor(order.name, order.keyType, cursor), inclusive: false };
}

/** The conditions of a stretch over the expressions `key` and `id`. */
export function boundsOf(
  order: Order,
  stretch: Stretch,
  key: RawBuilder<unknown>,
  id: RawBuilder<unknown>,
): readonly RawBuilder<unknown>[] {
  const [later, earlier] = order.direction === 'ASC' ? ['>', '<'] : ['<', '>'];
  const conditions: RawBuilder<unknown>[] = [];
  if (stretch.from !== null) conditions.push(compare(later, stretch.from));
  if (stretch.to !== null) conditions.push(compare(earlier, stretch.to));
  return conditions;

  function compare(sign: string, { at, inclusive }: Bound): RawBuilder<unknown> {
    return sql`(${key}, ${id}) ${sql.raw(inclusive ? `${sign}=` : sign)} (${at.key}, ${at.id})`;
  }
}

/** `order by key, id` in the direction in which the stretch is walked. */
export function orderBy(
  order: Order,
  stretch: Stretch,
  key: RawBuilder<unknown>,
  id: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const direction = sql.raw((order.direction === 'ASC') === stretch.backward ? 'desc' : 'asc');
  return sql`order by ${key} ${direction}, ${id} ${direction}`;
}

/** Makes the page of what was read; `rows` may hold one more than the window's size. */
export function pageOf<T>(
  order: Order,
  window: Window,
  rows: readonly KeyedRow[],
  beyond: { readonly before: boolean; readonly behind: boolean },
): Page<T> {
  const more = rows.length > window.size;
  const { backward } = window.items;
  const kept = rows.slice(0, window.size);
  return {
    items: (backward ? kept.toReversed() : kept).map((row) => ({
      node: JSON.parse(row.doc) as T,
      cursor: encodeCursor(order.name, { key: row.key, id: row.id }),
    })),
    hasNextPage: (more && !backward) || beyond.behind,
    hasPreviousPage: (more && backward) || beyond.before,
  };
}

/** Reads a page with `read`, which runs one stretch. */
export async function readPage<T>(
  order: Order,
  request: PageRequest,
  read: (stretch: Stretch) => Promise<readonly KeyedRow[]>,
): Promise<Page<T>> {
  const window = windowOf(order, request);
  const rows = await read(window.items);
  const isThere = async (stretch: Stretch | null): Promise<boolean> =>
    stretch !== null && (await read(stretch)).length > 0;
  return pageOf(order, window, rows, {
    before: await isThere(window.before),
    behind: await isThere(window.behind),
  });
}
