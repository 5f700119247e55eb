import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../graph/user-error.ts';
import { DatasetVersionType } from './dataset-version.ts';
import { DatasetType } from './dataset.ts';
import { SplitType } from './split.ts';
import { UploadType } from './upload.ts';

@ObjectType({ simpleResolvers: true })
export class CreateDatasetPayload {
  @Field(() => DatasetType, { nullable: true })
  dataset!: DatasetType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType({ simpleResolvers: true })
export class UpdateDatasetPayload {
  @Field(() => DatasetType, { nullable: true })
  dataset!: DatasetType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType({ simpleResolvers: true })
export class CreateUploadsPayload {
  @Field(() => [UploadType], { nullable: true, description: 'In the order of the input.' })
  uploads!: readonly UploadType[] | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType({ simpleResolvers: true })
export class AbortUploadPayload {
  @Field(() => UploadType, { nullable: true })
  upload!: UploadType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType({ simpleResolvers: true })
export class CreateDatasetVersionPayload {
  @Field(() => DatasetVersionType, { nullable: true })
  datasetVersion!: DatasetVersionType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType({ simpleResolvers: true })
export class CreateSplitPayload {
  @Field(() => SplitType, { nullable: true })
  split!: SplitType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}
