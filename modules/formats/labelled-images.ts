import { InputError } from '../runtime/module.ts';
import type { DataSet } from '../runtime/workload.ts';
import { readIdxImages } from './idx.ts';
import { readImageFolder } from './image-folder.ts';

export interface ImageShape {
  readonly height: number;
  readonly width: number;
  /** 1 (grey) or 3 (red, green, blue); IDX files may have any number. */
  readonly channels: number;
}

export interface LabelledImages {
  readonly count: number;
  readonly shape: ImageShape;
  /** Class names; `label` answers an index into them. */
  readonly labels: readonly string[];
  /** Bytes 0 to 255, row by row, channels last. */
  pixels(index: number): Uint8Array;
  label(index: number): number;
}

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
