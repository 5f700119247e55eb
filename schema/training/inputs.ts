import { Field, Float, ID, InputType, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import type { TrainingRunState } from '../../domain/training-run.ts';
import { stringEnum } from '../graph/enums.ts';
import { OrderDirectionEnum } from '../graph/order.ts';
import { PlacementPlanType } from '../graph/plan.ts';
import { ResourcesInput } from '../graph/resources.ts';
import { JsonScalar } from '../graph/scalars.ts';
import { UserError } from '../graph/user-error.ts';
import { TrainingRunStateEnum, TrainingRunType } from './training-run.ts';

@InputType()
export class CreateTrainingRunInput {
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
    description:
      'The module’s training arguments, as its `trainSchema` says; what is left out takes its default.',
  })
  arguments?: JsonObject | null;

  @Field(() => Float, {
    nullable: true,
    description: 'A whole number from 0 on; drawn when left out.',
  })
  seed?: number | null;

  @Field(() => ResourcesInput, { nullable: true })
  resources?: ResourcesInput | null;

  @Field(() => String, { nullable: true, description: 'Where to run; chosen when left out.' })
  backend?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A CHECKPOINT artifact of the same module to go on from.',
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
export class CreateTrainingRunPayload {
  @Field(() => TrainingRunType, { nullable: true })
  trainingRun!: TrainingRunType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType()
export class PlanTrainingRunPayload {
  @Field(() => PlacementPlanType, { nullable: true })
  plan!: PlacementPlanType | null;

  @Field(() => [UserError], { description: 'As `createTrainingRun` would give them.' })
  userErrors!: readonly UserError[];
}

@InputType()
export class CancelTrainingRunInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class CancelTrainingRunPayload {
  @Field(() => TrainingRunType, { nullable: true })
  trainingRun!: TrainingRunType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@InputType()
export class TrainingRunFilter {
  @Field(() => [TrainingRunStateEnum], { nullable: true })
  states?: readonly TrainingRunState[] | null;

  @Field(() => ID, { nullable: true })
  moduleVersionId?: string | null;

  @Field(() => ID, { nullable: true })
  datasetVersionId?: string | null;

  @Field(() => ID, { nullable: true })
  sweepId?: string | null;

  @Field(() => String, { nullable: true })
  backend?: string | null;
}

export const TrainingRunOrderFieldEnum = stringEnum(
  'TrainingRunOrderField',
  'What runs are sorted by.',
  ['CREATED_AT', 'UPDATED_AT', 'NUMBER'],
);

@InputType()
export class TrainingRunOrder {
  @Field(() => TrainingRunOrderFieldEnum)
  field!: keyof typeof TrainingRunOrderFieldEnum;

  @Field(() => OrderDirectionEnum, { defaultValue: 'DESC' })
  direction!: 'ASC' | 'DESC';
}
