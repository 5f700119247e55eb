import type { DataFormat } from '../../../domain/dataset.ts';
import { datasetLimits } from '../limits.ts';
import { readCsv } from './csv.ts';
import { badData, type Examples, type FormatReaders, type FormatRequest } from './examples.ts';
import { readIdx } from './idx.ts';
import { readImageFolder } from './image-folder.ts';

const readers: FormatReaders = {
  IDX: readIdx,
  IMAGE_FOLDER: readImageFolder,
  CSV: readCsv,
  FILES: ({ files }) =>
    Promise.resolve({ count: files.length, labels: [], labelOf: null, target: null }),
};

/** Reads and validates the files strictly; INVALID_ARGUMENT says what is wrong, and where. */
export async function readExamples(format: DataFormat, request: FormatRequest): Promise<Examples> {
  if (format !== 'CSV' && request.target !== null) {
    throw badData(`A version in ${format} has no target column.`, ['target']);
  }
  const examples = await readers[format](request);
  if (examples.labels.length > datasetLimits.distinctLabels) {
    throw badData(`There are more than ${datasetLimits.distinctLabels} labels.`);
  }
  return examples;
}
