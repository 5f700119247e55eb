import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import { predictionOutcomes, type PredictionOutcome } from '../../domain/deployment.ts';
import type { Json } from '../../domain/json.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { DateTime, JsonScalar } from '../graph/scalars.ts';

export const PredictionOutcomeEnum = stringEnum(
  'PredictionOutcome',
  'How a call ended.',
  predictionOutcomes,
);

@Directive('@key(fields: "id")')
@ObjectType('Prediction', {
  description: 'One call to a deployment. Neither its input nor its output is kept.',
  simpleResolvers: true,
})
export class PredictionType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => PredictionOutcomeEnum)
  outcome!: PredictionOutcome;

  @Field(() => String, { nullable: true, description: 'What went wrong, in the module’s words.' })
  message!: string | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'What the module answered. Only in the answer of `predict`: it is kept nowhere.',
  })
  output?: Json;

  @Field(() => Int, {
    nullable: true,
    description: 'From sending it to the module to the answer, in milliseconds.',
  })
  moduleMs!: number | null;

  @Field(() => Int, { description: 'From the arrival of the call, in milliseconds.' })
  totalMs!: number;

  @Field(() => DateTime)
  createdAt!: number;
}

export const PredictionConnection = connectionOf('Prediction', () => PredictionType);
