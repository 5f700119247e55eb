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

  @Field(() => Boolean, {
    nullable: true,
    description:
      'Whether a container was started for this call; null where servers run anyway, or it is not told.',
  })
  coldStart?: boolean | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'From acceptance by a backend of functions to the module’s own time, in milliseconds.',
  })
  waitMs?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Of that call, for loading the module, in milliseconds.',
  })
  initMs?: number | null;

  @Field(() => DateTime)
  createdAt!: number;
}

export const PredictionConnection = connectionOf('Prediction', () => PredictionType);
