import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import type { DataFormat, Dataset } from '../../domain/dataset.ts';
import { connectionOf } from '../graph/connection.ts';
import { DateTime } from '../graph/scalars.ts';
import { DataFormatEnum, DatasetVisibilityEnum } from './enums.ts';

@Directive('@key(fields: "id")')
@ObjectType('Dataset', {
  description: 'Data with a name; what is in it stands in its versions.',
  simpleResolvers: true,
})
export class DatasetType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => String, { description: "Unique among its owner's." })
  name!: string;

  @Field(() => String)
  title!: string;

  @Field(() => String, { description: 'Markdown.' })
  description!: string;

  @Field(() => String, { nullable: true })
  licence!: string | null;

  @Field(() => DatasetVisibilityEnum)
  visibility!: Dataset['visibility'];

  @Field(() => DataFormatEnum, { nullable: true, description: 'Of the latest version.' })
  format!: DataFormat | null;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

export const DatasetConnection = connectionOf('Dataset', () => DatasetType);
