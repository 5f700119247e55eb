import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { SweepGoal, SweepState } from '../../domain/sweep.ts';
import type { SweepRange, SweepStrategy } from '../../domain/sweep-parameters.ts';
import { stringEnum } from '../graph/enums.ts';
import { OrderDirectionEnum } from '../graph/order.ts';
import { ResourcesInput } from '../graph/resources.ts';
import { JsonScalar } from '../graph/scalars.ts';
import { UserError } from '../graph/user-error.ts';
import {
  SweepGoalEnum,
  SweepScaleEnum,
  SweepStateEnum,
  SweepStrategyEnum,
  SweepType,
} from './sweep.ts';

@InputType()
export class SweepRangeInput {
  @Field(() => Float)
  minimum!: number;

  @Field(() => Float)
  maximum!: number;

  @Field(() => SweepScaleEnum, { defaultValue: 'LINEAR' })
  scale!: SweepRange['scale'];

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Whole numbers, both bounds included.',
  })
  integer!: boolean;
}

@InputType({ description: 'Give exactly one of `values` and `range`.' })
export class SweepParameterInput {
  @Field(() => String, { description: 'A training argument of the module.' })
  argument!: string;

  @Field(() => [JsonScalar], { nullable: true })
  values?: readonly Json[] | null;

  @Field(() => SweepRangeInput, { nullable: true, description: 'With RANDOM only.' })
  range?: SweepRangeInput | null;
}

@InputType()
export class SweepObjectiveInput {
  @Field(() => String, {
    description: 'A metric that the module reports; a run without it is never the best.',
  })
  metric!: string;

  @Field(() => SweepGoalEnum)
  goal!: SweepGoal;
}

@InputType()
export class CreateSweepInput {
  @Field(() => ID)
  moduleVersionId!: string;

  @Field(() => ID)
  datasetVersionId!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'Which examples train and which test; default: the version’s own split.',
  })
  splitId?: string | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'The training arguments that all runs share.',
  })
  arguments?: JsonObject | null;

  @Field(() => SweepStrategyEnum)
  strategy!: SweepStrategy;

  @Field(() => [SweepParameterInput], { description: 'The training arguments that vary.' })
  parameters!: readonly SweepParameterInput[];

  @Field(() => Int, { nullable: true, description: 'How many are drawn: with RANDOM only.' })
  trials?: number | null;

  @Field(() => SweepObjectiveInput)
  objective!: SweepObjectiveInput;

  @Field(() => Int, {
    nullable: true,
    description: 'How many may run at the same time; as many as the site takes when left out.',
  })
  atOnce?: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'A whole number from 0 on, of what is drawn and of each run; drawn when left out.',
  })
  seed?: number | null;

  @Field(() => ResourcesInput, { nullable: true, description: 'Of each run.' })
  resources?: ResourcesInput | null;

  @Field(() => String, { nullable: true, description: 'Where to run; chosen when left out.' })
  backend?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A CHECKPOINT artifact of the same module that each run goes on from.',
  })
  resumeFrom?: string | null;

  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Repeating the call with the same key starts nothing twice.',
  })
  idempotencyKey?: string | null;
}

@ObjectType()
export class CreateSweepPayload {
  @Field(() => SweepType, { nullable: true })
  sweep!: SweepType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@InputType()
export class CancelSweepInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class CancelSweepPayload {
  @Field(() => SweepType, { nullable: true })
  sweep!: SweepType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@InputType()
export class SweepFilter {
  @Field(() => [SweepStateEnum], { nullable: true })
  states?: readonly SweepState[] | null;

  @Field(() => ID, { nullable: true })
  moduleVersionId?: string | null;

  @Field(() => ID, { nullable: true })
  datasetVersionId?: string | null;
}

export const SweepOrderFieldEnum = stringEnum('SweepOrderField', 'What sweeps are sorted by.', [
  'CREATED_AT',
  'UPDATED_AT',
  'NUMBER',
]);

@InputType()
export class SweepOrder {
  @Field(() => SweepOrderFieldEnum)
  field!: keyof typeof SweepOrderFieldEnum;

  @Field(() => OrderDirectionEnum, { defaultValue: 'DESC' })
  direction!: 'ASC' | 'DESC';
}
