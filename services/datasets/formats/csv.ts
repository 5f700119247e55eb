import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { DataFile } from '../../../domain/dataset.ts';
import { datasetLimits } from '../limits.ts';
import { badData, type Examples, type FormatRequest, labelled } from './examples.ts';

/**
 * One CSV file by RFC 4180, in UTF-8, with a header. Each further row is an example; `target` names the column of its
 * label, the last one if it is left out.
 */
export async function readCsv({ files, target, open }: FormatRequest): Promise<Examples> {
  const [file] = files;
  if (file === undefined || files.length > 1 || !file.path.toLowerCase().endsWith('.csv')) {
    throw badData('A version in CSV has exactly one file, named `….csv`.');
  }
  const table = new LabelledTable(file, target);
  for await (const row of rows(file, await open(file))) table.take(row);
  return table.examples();
}

class LabelledTable {
  readonly #file: DataFile;
  #target: string | null;
  #column: number | null = null;
  readonly #names: string[] = [];
  readonly #numberOf = new Map<string, number>();
  #labels = new Uint32Array(1024);
  #count = 0;

  constructor(file: DataFile, target: string | null) {
    this.#file = file;
    this.#target = target;
  }

  take(row: readonly string[]): void {
    if (this.#column === null) this.#takeHeader(row);
    else this.#takeExample(row[this.#column] ?? '');
  }

  examples(): Examples {
    if (this.#count === 0) throw badData(`${this.#file.path} has no row behind its header.`);
    if (this.#names.length < 2) {
      throw badData(
        `The column ${JSON.stringify(this.#target)} has one value only; a label needs two or more.`,
        ['target'],
      );
    }
    return labelled(this.#names, this.#labels.slice(0, this.#count), this.#target);
  }

  #takeHeader(header: readonly string[]): void {
    const path = this.#file.path;
    if (header.length > datasetLimits.csvColumns) {
      throw badData(`${path} has more than ${datasetLimits.csvColumns} columns.`);
    }
    const bad = header.findIndex((name, at) => name.trim() === '' || header.indexOf(name) !== at);
    if (bad >= 0) {
      throw badData(`Column ${bad + 1} of ${path} has no name, or one that was there before.`);
    }
    const target = this.#target ?? header.at(-1) ?? '';
    const column = header.indexOf(target);
    if (column < 0) {
      const shown = header.slice(0, 20).map((name) => JSON.stringify(name));
      throw badData(
        `${path} has no column ${JSON.stringify(target)}; it has ${shown.join(', ')}${header.length > 20 ? ', …' : ''}.`,
        ['target'],
      );
    }
    this.#target = target;
    this.#column = column;
  }

  #takeExample(label: string): void {
    const path = this.#file.path;
    // The number that a spreadsheet shows: the header is row 1.
    const row = this.#count + 2;
    if (label === '') throw badData(`Row ${row} of ${path} has no label.`);
    if (label.length > datasetLimits.labelLength) {
      throw badData(`The label in row ${row} of ${path} is too long.`);
    }
    if (this.#count >= datasetLimits.examples) {
      throw badData(`${path} has more than ${datasetLimits.examples} rows.`);
    }
    let number = this.#numberOf.get(label);
    if (number === undefined) {
      number = this.#names.push(label) - 1;
      this.#numberOf.set(label, number);
      if (number >= datasetLimits.distinctLabels) {
        throw badData(
          `The column ${JSON.stringify(this.#target)} has more than ${datasetLimits.distinctLabels} values: it is no label.`,
          ['target'],
        );
      }
    }
    if (this.#count === this.#labels.length) {
      const grown = new Uint32Array(this.#labels.length * 2);
      grown.set(this.#labels);
      this.#labels = grown;
    }
    this.#labels[this.#count] = number;
    this.#count += 1;
  }
}

async function* rows(
  file: DataFile,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly string[]> {
  const parser = parse({ bom: true, max_record_size: datasetLimits.csvRowLength });
  const source = Readable.from(decoded(file, content));
  source.on('error', (error) => parser.destroy(error));
  try {
    yield* source.pipe(parser) as AsyncIterable<readonly string[]>;
  } catch (error) {
    if (error instanceof CsvError) throw badData(`${file.path}: ${error.message}.`);
    throw error;
  } finally {
    source.destroy();
    parser.destroy();
  }
}

/** As text, refusing what is not UTF-8: a guessed letter would make another label. */
async function* decoded(
  file: DataFile,
  content: AsyncIterable<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for await (const chunk of content) {
      const text = decoder.decode(chunk, { stream: true });
      if (text !== '') yield text;
    }
    const rest = decoder.decode();
    if (rest !== '') yield rest;
  } catch (error) {
    if (error instanceof TypeError) throw badData(`${file.path} is not UTF-8.`);
    throw error;
  }
}
