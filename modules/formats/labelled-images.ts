import { InputError } from '../runtime/input-error.ts';
import type { DataSet } from '../runtime/workload.ts';
import type { LabelledImages } from './image-data.ts';
import { readIdxImages } from './idx.ts';
import { readImageFolder } from './image-folder.ts';

/** Reads any data set of labelled images into memory. Throws InputError when it is not one. */
export async function readLabelledImages(data: DataSet): Promise<LabelledImages> {
  switch (data.format) {
    case 'IDX':
      return readIdxImages(data.files);
    case 'IMAGE_FOLDER':
      return readImageFolder(data.files);
    case 'CSV':
      throw new InputError('A CSV data set holds no images; use IDX or IMAGE_FOLDER.');
  }
}
