import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { DeploymentState } from '../../domain/deployment.ts';
import { stringEnum } from '../graph/enums.ts';
import { OrderDirectionEnum } from '../graph/order.ts';
import { PlacementPlanType } from '../graph/plan.ts';
import { ResourcesInput } from '../graph/resources.ts';
import { UserError } from '../graph/user-error.ts';
import { DeploymentStateEnum, DeploymentType } from './deployment.ts';

const onceDescription = 'Repeating the call with the same key starts nothing twice.';

@InputType({ description: 'Give exactly one of `moduleVersionId` and `artifactId`.' })
export class CreateDeploymentInput {
  @Field(() => String)
  name!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'Serves the weights that the module version ships.',
  })
  moduleVersionId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A MODEL artifact of a run; served by the module version that made it.',
  })
  artifactId?: string | null;

  @Field(() => String, { nullable: true, description: 'Where to run; chosen when left out.' })
  backend?: string | null;

  @Field(() => Int, { defaultValue: 1, description: 'Servers, 1 to 16.' })
  replicas!: number;

  @Field(() => ResourcesInput, { nullable: true, description: 'Of each server.' })
  resources?: ResourcesInput | null;

  @Field(() => String, { nullable: true, description: onceDescription })
  idempotencyKey?: string | null;
}

@ObjectType()
export class CreateDeploymentPayload {
  @Field(() => DeploymentType, { nullable: true })
  deployment!: DeploymentType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@ObjectType()
export class PlanDeploymentPayload {
  @Field(() => PlacementPlanType, { nullable: true })
  plan!: PlacementPlanType | null;

  @Field(() => [UserError], { description: 'As `createDeployment` would give them.' })
  userErrors!: readonly UserError[];
}

@InputType({
  description:
    'What is left out stays. `moduleVersionId` or `artifactId` becomes a new revision, made warm beside the one that answers.',
})
export class UpdateDeploymentInput {
  @Field(() => ID)
  id!: string;

  @Field(() => String, { nullable: true })
  name?: string | null;

  @Field(() => ID, { nullable: true })
  moduleVersionId?: string | null;

  @Field(() => ID, { nullable: true })
  artifactId?: string | null;

  @Field(() => Int, { nullable: true, description: 'Servers, 1 to 16; those kept go on.' })
  replicas?: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'The `version` you read; VERSION_CONFLICT when somebody was faster.',
  })
  expectedVersion?: number | null;

  @Field(() => String, { nullable: true, description: onceDescription })
  idempotencyKey?: string | null;
}

@ObjectType()
export class UpdateDeploymentPayload {
  @Field(() => DeploymentType, { nullable: true })
  deployment!: DeploymentType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@InputType()
export class DeleteDeploymentInput {
  @Field(() => ID)
  id!: string;
}

@ObjectType()
export class DeleteDeploymentPayload {
  @Field(() => DeploymentType, { nullable: true })
  deployment!: DeploymentType | null;

  @Field(() => [UserError])
  userErrors!: readonly UserError[];
}

@InputType()
export class DeploymentFilter {
  @Field(() => [DeploymentStateEnum], { nullable: true })
  states?: readonly DeploymentState[] | null;

  @Field(() => String, { nullable: true })
  backend?: string | null;

  @Field(() => ID, { nullable: true, description: 'Those that serve it now.' })
  moduleVersionId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Those that serve it now.' })
  artifactId?: string | null;
}

export const DeploymentOrderFieldEnum = stringEnum(
  'DeploymentOrderField',
  'What deployments are sorted by.',
  ['CREATED_AT', 'UPDATED_AT', 'NAME'],
);

@InputType()
export class DeploymentOrder {
  @Field(() => DeploymentOrderFieldEnum)
  field!: keyof typeof DeploymentOrderFieldEnum;

  @Field(() => OrderDirectionEnum, { defaultValue: 'DESC' })
  direction!: 'ASC' | 'DESC';
}
