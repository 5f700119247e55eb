import { Directive, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { SplitRule } from '../../domain/dataset.ts';
import { connectionOf } from '../graph/connection.ts';
import { DateTime } from '../graph/scalars.ts';
import { SplitRuleEnum } from './enums.ts';

@Directive('@key(fields: "id")')
@ObjectType('Split', {
  description: 'A reproducible division of the examples of a version into train and test.',
  simpleResolvers: true,
})
export class SplitType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => SplitRuleEnum)
  rule!: SplitRule;

  @Field(() => Int)
  seed!: number;

  @Field(() => Float)
  testFraction!: number;

  @Field(() => Int)
  trainCount!: number;

  @Field(() => Int)
  testCount!: number;

  @Field(() => String, { description: 'Of the list that `url` gives.' })
  sha256!: string;

  @Field(() => DateTime)
  createdAt!: number;
}

export const SplitConnection = connectionOf('Split', () => SplitType);
