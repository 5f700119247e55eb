import { ArgsType, Field, InputType } from 'type-graphql';
import type { DataFormat, Dataset } from '../../domain/dataset.ts';
import { OrderDirectionEnum } from '../graph/order.ts';
import { PageArgs } from '../graph/page-args.ts';
import { DataFormatEnum, DatasetOrderFieldEnum, DatasetVisibilityEnum } from './enums.ts';

@InputType({ description: 'Fields narrow each other.' })
export class DatasetFilterInput {
  @Field(() => String, { nullable: true, description: 'A part of the name, without case.' })
  search?: string | null;

  @Field(() => DataFormatEnum, { nullable: true, description: 'Of the latest version.' })
  format?: DataFormat | null;

  @Field(() => DatasetVisibilityEnum, { nullable: true })
  visibility?: Dataset['visibility'] | null;
}

@InputType()
export class DatasetOrderInput {
  @Field(() => DatasetOrderFieldEnum)
  field!: keyof typeof DatasetOrderFieldEnum;

  @Field(() => OrderDirectionEnum, { defaultValue: 'DESC' })
  direction!: 'ASC' | 'DESC';
}

@ArgsType()
export class DatasetsArgs extends PageArgs {
  @Field(() => DatasetFilterInput, { nullable: true })
  filter?: DatasetFilterInput | null;

  @Field(() => DatasetOrderInput, {
    nullable: true,
    description: 'Default: CREATED_AT, descending.',
  })
  orderBy?: DatasetOrderInput | null;
}
