import { Field, Float, ID, InputType, Int } from 'type-graphql';
import type { DataFormat, Dataset, SplitRule } from '../../domain/dataset.ts';
import { SafeInt } from '../graph/scalars.ts';
import { DataFormatEnum, DatasetVisibilityEnum, SplitRuleEnum } from './enums.ts';

const keyDescription =
  'Repeat a call with the same key and input, and it is done once. 1 to 255 characters.';

@InputType()
export class CreateDatasetInput {
  @Field(() => String, {
    description: 'Unique among yours: lower-case letters, digits, `.`, `_`, `-`.',
  })
  name!: string;

  @Field(() => String, { nullable: true, description: 'Default: the name.' })
  title?: string | null;

  @Field(() => String, { defaultValue: '', description: 'Markdown.' })
  description!: string;

  @Field(() => String, { nullable: true })
  licence?: string | null;

  @Field(() => DatasetVisibilityEnum, { defaultValue: 'PRIVATE' })
  visibility!: Dataset['visibility'];

  @Field(() => String, { nullable: true, description: keyDescription })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What is left out stays.' })
export class UpdateDatasetInput {
  @Field(() => ID)
  id!: string;

  @Field(() => Int, { nullable: true, description: 'VERSION_CONFLICT if it is at another one.' })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true })
  title?: string | null;

  @Field(() => String, { nullable: true })
  description?: string | null;

  @Field(() => String, { nullable: true, description: 'Null takes it away.' })
  licence?: string | null;

  @Field(() => DatasetVisibilityEnum, { nullable: true })
  visibility?: Dataset['visibility'] | null;
}

@InputType()
export class UploadFileInput {
  @Field(() => String, {
    description: 'Relative, `/` between its parts, no `.` or `..`, at most 255 bytes a part.',
  })
  path!: string;

  @Field(() => SafeInt)
  bytes!: number;

  @Field(() => String, { description: 'Of the whole file, in 64 hexadecimal digits.' })
  sha256!: string;
}

@InputType()
export class CreateUploadsInput {
  @Field(() => ID)
  datasetId!: string;

  @Field(() => [UploadFileInput], { description: '1 to 1,000.' })
  files!: readonly UploadFileInput[];

  @Field(() => String, { nullable: true, description: keyDescription })
  idempotencyKey?: string | null;
}

@InputType()
export class AbortUploadInput {
  @Field(() => ID)
  id!: string;
}

@InputType({ description: 'Give exactly one of `uploadId`, `fromVersionId` and `sha256`.' })
export class VersionFileInput {
  @Field(() => ID, { nullable: true, description: 'A complete upload; `path` may rename it.' })
  uploadId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Takes the file at `path` of that version.' })
  fromVersionId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The digest of a complete upload to this data set; `path` may rename it.',
  })
  sha256?: string | null;

  @Field(() => String, { nullable: true })
  path?: string | null;
}

@InputType()
export class SplitInput {
  @Field(() => SplitRuleEnum)
  rule!: SplitRule;

  @Field(() => Int, { defaultValue: 0 })
  seed!: number;

  @Field(() => Float, { defaultValue: 0.2, description: 'More than 0, less than 1.' })
  testFraction!: number;
}

@InputType()
export class CreateDatasetVersionInput {
  @Field(() => ID)
  datasetId!: string;

  @Field(() => DataFormatEnum)
  format!: DataFormat;

  @Field(() => String, {
    nullable: true,
    description: 'The label column of a CSV. Default: its last column.',
  })
  target?: string | null;

  @Field(() => [VersionFileInput], {
    nullable: true,
    description: 'Default: the newest complete upload of each path.',
  })
  files?: readonly VersionFileInput[] | null;

  @Field(() => SplitInput, {
    nullable: true,
    description:
      'Default: STRATIFIED where there are labels, else RANDOM; seed 0, a fifth is test.',
  })
  split?: SplitInput | null;

  @Field(() => String, { nullable: true, description: keyDescription })
  idempotencyKey?: string | null;
}

@InputType({ description: 'The same version, rule, seed and fraction are the same split.' })
export class CreateSplitInput {
  @Field(() => ID)
  datasetVersionId!: string;

  @Field(() => SplitRuleEnum)
  rule!: SplitRule;

  @Field(() => Int, { defaultValue: 0 })
  seed!: number;

  @Field(() => Float, { defaultValue: 0.2, description: 'More than 0, less than 1.' })
  testFraction!: number;

  @Field(() => String, { nullable: true, description: keyDescription })
  idempotencyKey?: string | null;
}
