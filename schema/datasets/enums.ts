import { dataFormats, splitRules, type UploadState, uploadStates } from '../../domain/dataset.ts';
import { stringEnum } from '../graph/enums.ts';

const formats = {
  IDX: 'A pair of IDX files (images and labels of unsigned bytes, as MNIST), gzipped or not; `labels.txt` may name the labels.',
  IMAGE_FOLDER: 'PNG images; the label of each is the folder that it lies in.',
  CSV: 'One CSV file (RFC 4180, UTF-8) with a header; `target` names the column of the label.',
  FILES: 'Any files; each is one example, without a label.',
} as const;

export const DataFormatEnum = stringEnum(
  'DataFormat',
  'How examples are found in the files.',
  dataFormats,
  (format) => formats[format],
);

const rules = {
  RANDOM: 'Drawn by seed.',
  STRATIFIED: 'Drawn by seed within each label.',
  TAIL: 'The last examples are the test.',
} as const;

export const SplitRuleEnum = stringEnum(
  'SplitRule',
  'How the test examples are chosen: the same version, rule, seed and fraction give the same lists.',
  splitRules,
  (rule) => rules[rule],
);

const states = {
  OPEN: 'Takes parts at its URL.',
  COMPLETE: 'All bytes came and have the declared digest.',
  REFUSED: 'The bytes had another digest, or it was aborted; `refusal` says which.',
  EXPIRED: 'It was not complete in time.',
} as const;

export const UploadStateEnum = stringEnum(
  'UploadState',
  'How far an upload is.',
  Object.keys(uploadStates.next) as UploadState[],
  (state) => states[state],
);

export const DatasetVisibilityEnum = stringEnum(
  'DatasetVisibility',
  'Who sees a data set.',
  ['PRIVATE', 'PUBLIC'],
  (visibility) =>
    visibility === 'PRIVATE' ? 'Its owner and the owning group.' : 'Everybody may read it.',
);

export const DatasetOrderFieldEnum = stringEnum(
  'DatasetOrderField',
  'What data sets are sorted by.',
  ['CREATED_AT', 'UPDATED_AT', 'NAME'],
);
