import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import type { DataFormat, LabelCount } from '../../domain/dataset.ts';
import { connectionOf } from '../graph/connection.ts';
import { DateTime, SafeInt } from '../graph/scalars.ts';
import { DataFormatEnum } from './enums.ts';

@ObjectType('DataFile', { simpleResolvers: true })
export class DataFileType {
  @Field(() => String, { description: 'Relative, with `/`.' })
  path!: string;

  @Field(() => SafeInt)
  bytes!: number;

  @Field(() => String)
  sha256!: string;
}

export const DataFileConnection = connectionOf('DataFile', () => DataFileType);

@ObjectType('LabelCount', { simpleResolvers: true })
export class LabelCountType {
  @Field(() => String)
  label!: string;

  @Field(() => Int)
  count!: number;
}

@Directive('@key(fields: "id")')
@ObjectType('DatasetVersion', {
  description: 'Files that were read and validated. Never changes once made.',
  simpleResolvers: true,
})
export class DatasetVersionType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => Int, { description: '1, 2, 3 … within its data set.' })
  number!: number;

  @Field(() => DataFormatEnum)
  format!: DataFormat;

  @Field(() => String, { nullable: true, description: 'The label column of a CSV.' })
  target!: string | null;

  @Field(() => Int)
  exampleCount!: number;

  @Field(() => [LabelCountType], { description: 'Sorted by label; empty without labels.' })
  labels!: readonly LabelCount[];

  @Field(() => String, {
    description: 'SHA-256 over the list of files (path, bytes, sha256), format and target.',
  })
  digest!: string;

  @Field(() => DateTime)
  createdAt!: number;
}

export const DatasetVersionConnection = connectionOf('DatasetVersion', () => DatasetVersionType);
