import { isRecord } from '../runtime/arguments.ts';
import { InputError } from '../runtime/input-error.ts';

/** How a column of a table becomes inputs of a network, learnt from the training part alone. */
export type Column =
  | {
      readonly name: string;
      readonly kind: 'numeric';
      readonly mean: number;
      readonly deviation: number;
    }
  | { readonly name: string; readonly kind: 'categorical'; readonly categories: readonly string[] };

const mostCategories = 100;

/**
 * Learns a column from its values as texts; the empty text is a missing value. Throws InputError
 * when it cannot be an input.
 */
export function learnColumn(name: string, values: readonly string[]): Column {
  const present = values.filter((value) => value !== '');
  const numbers = present.map(Number);
  if (present.length > 0 && numbers.every(Number.isFinite)) {
    const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    // A constant column tells nothing; dividing by its spread would make it infinite.
    const deviation = Math.sqrt(squares / numbers.length) || 1;
    return { name, kind: 'numeric', mean, deviation };
  }
  const categories = [...new Set(present)].toSorted();
  if (categories.length > mostCategories) {
    throw new InputError(
      `Column ${name} has ${categories.length} different texts, at most ${mostCategories} can be learnt; leave it out if it is an identifier.`,
    );
  }
  return { name, kind: 'categorical', categories };
}

/** Number of inputs that a column takes. */
export function columnWidth(column: Column): number {
  return column.kind === 'numeric' ? 1 : column.categories.length;
}

/**
 * Writes one value. A missing number counts as the mean; a missing or unknown category as none of
 * those known. Answers false when a numeric column got something else.
 */
export function fillColumn(
  column: Column,
  value: string,
  target: Float32Array,
  offset: number,
): boolean {
  if (column.kind === 'categorical') {
    column.categories.forEach((category, i) => {
      target[offset + i] = category === value ? 1 : 0;
    });
    return true;
  }
  const number = value === '' ? column.mean : Number(value);
  target[offset] = (number - column.mean) / column.deviation;
  return Number.isFinite(number);
}

/** Reads columns back from an artifact's `module.json`. Throws an Error when they are not there. */
export function parseColumns(value: unknown): readonly Column[] {
  if (!Array.isArray(value)) throw new Error("The artifact's module.json has no columns.");
  return value.map((column: unknown): Column => {
    if (isRecord(column) && typeof column['name'] === 'string') {
      const { name, kind, mean, deviation, categories } = column;
      if (kind === 'numeric' && typeof mean === 'number' && typeof deviation === 'number') {
        return { name, kind, mean, deviation };
      }
      if (kind === 'categorical' && Array.isArray(categories)) {
        return { name, kind, categories: categories.map(String) };
      }
    }
    throw new Error("A column in the artifact's module.json is not readable.");
  });
}
