import { loadClassifier } from '../network/classifier-artifact.ts';
import { ArgumentError, isRecord, numberOf } from '../runtime/arguments.ts';
import type { Predictor } from '../runtime/module.ts';
import { columnWidth, fillColumn, parseColumns, type Column } from './columns.ts';

const mostRows = 10_000;

/**
 * Loads a trained table classifier. Throws an Error with one sentence when the artifact cannot be
 * used.
 */
export async function loadTablePredictor(artifact: string | null): Promise<Predictor> {
  if (artifact === null) throw new Error('The table classifier needs trained weights.');
  const classifier = await loadClassifier(artifact, 'tabular-classifier');
  const columns = parseColumns(classifier.description['columns']);
  return {
    facts: {
      labels: classifier.labels,
      input: { columns: columns.map(({ name, kind }) => ({ name, kind })) },
    },
    predict: (values) => {
      const topK = numberOf(values, 'topK');
      const { features, rows } = values;
      if (isRecord(features)) {
        return classifier.rank(readRow(columns, features, 'features'), topK);
      }
      if (!Array.isArray(rows)) {
        throw new ArgumentError('features', 'Missing data: send features or rows.');
      }
      if (rows.length > mostRows) {
        throw new ArgumentError('rows', `Must be at most ${mostRows} rows.`);
      }
      return rows.map((row: unknown) => classifier.rank(readRow(columns, row, 'rows'), topK));
    },
  };
}

function readRow(columns: readonly Column[], row: unknown, argument: string): Float32Array {
  if (!isRecord(row)) throw new ArgumentError(argument, 'Must be an object for every row.');
  const names = columns.map((column) => column.name);
  const unknown = Object.keys(row).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const known = names.join(', ');
    throw new ArgumentError(argument, `Unknown column ${unknown}; the columns are ${known}.`);
  }
  const inputs = new Float32Array(columns.reduce((sum, column) => sum + columnWidth(column), 0));
  let offset = 0;
  for (const column of columns) {
    const value = Object.hasOwn(row, column.name) ? row[column.name] : undefined;
    if (!fillColumn(column, toText(column, value, argument), inputs, offset)) {
      throw new ArgumentError(argument, `Column ${column.name} must be a number.`);
    }
    offset += columnWidth(column);
  }
  return inputs;
}

function toText(column: Column, value: unknown, argument: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new ArgumentError(argument, `Column ${column.name} must be a number or a text.`);
}
