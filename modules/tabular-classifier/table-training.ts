import { readFile } from 'node:fs/promises';
import { readCsv, type Table } from '../formats/csv.ts';
import { trainClassifier, type PreparedInputs } from '../network/classifier-training.ts';
import { InputError } from '../runtime/input-error.ts';
import type { TrainContext, TrainResult } from '../runtime/module.ts';
import type { DataSet } from '../runtime/workload.ts';
import { columnWidth, fillColumn, learnColumn } from './columns.ts';

const mostLabels = 1000;

/**
 * Trains on any CSV file with a label column: which columns are numbers and which are categories
 * comes from the data.
 */
export async function trainTable(context: TrainContext): Promise<TrainResult> {
  const table = await readTable(context.data);
  const target = targetColumn(table, context.data.target);
  const classes = table.rows.map((row) => row[target] ?? '');
  const unlabelled = classes.indexOf('');
  if (unlabelled >= 0) throw new InputError(`Data row ${unlabelled} has no label.`);
  const labels = [...new Set(classes)].toSorted();
  if (labels.length > mostLabels) {
    throw new InputError(
      `Column ${table.columns[target] ?? ''} has ${labels.length} different labels, at most ${mostLabels} can be told apart.`,
    );
  }
  const indices = new Map(labels.map((label, index) => [label, index]));
  return trainClassifier(context, {
    count: table.rows.length,
    labels,
    label: (row) => indices.get(classes[row] ?? '') ?? 0,
    prepare: (train) => prepare(table, target, train),
  });
}

async function readTable(data: DataSet): Promise<Table> {
  if (data.format !== 'CSV') {
    throw new InputError(`A data set of format ${data.format} is no table; use CSV.`);
  }
  const files = data.files.filter((file) => file.path.toLowerCase().endsWith('.csv'));
  const [file] = files;
  if (!file || files.length > 1) {
    throw new InputError(`The data set has ${files.length} CSV files, exactly one is needed.`);
  }
  return readCsv(await readFile(file.location, 'utf8'), file.path);
}

function targetColumn(table: Table, target: string | null): number {
  if (target === null) return table.columns.length - 1;
  const index = table.columns.indexOf(target);
  if (index >= 0) return index;
  throw new InputError(
    `There is no label column ${target}; the columns are ${table.columns.join(', ')}.`,
  );
}

function prepare(table: Table, target: number, train: readonly number[]): PreparedInputs {
  const places = table.columns.map((_, place) => place).filter((place) => place !== target);
  const cell = (row: number, place: number): string => table.rows[row]?.[place] ?? '';
  const columns = places.map((place) =>
    learnColumn(
      table.columns[place] ?? '',
      train.map((row) => cell(row, place)),
    ),
  );
  return {
    inputs: columns.reduce((sum, column) => sum + columnWidth(column), 0),
    description: { target: table.columns[target], columns },
    fill: (row, inputs, start) => {
      let offset = start;
      columns.forEach((column, i) => {
        if (!fillColumn(column, cell(row, places[i] ?? 0), inputs, offset)) {
          throw new InputError(
            `Data row ${row} has "${cell(row, places[i] ?? 0)}" in the numeric column ${column.name}.`,
          );
        }
        offset += columnWidth(column);
      });
    },
    sample: (row) => {
      const features = columns.map((column, i) => {
        const text = cell(row, places[i] ?? 0);
        return [column.name, column.kind === 'numeric' && text !== '' ? Number(text) : text];
      });
      return { features: Object.fromEntries(features) };
    },
  };
}
