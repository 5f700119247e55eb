import { Directive, Field, ID, Int, ObjectType } from 'type-graphql';
import { deploymentStates, type DeploymentState } from '../../domain/deployment.ts';
import type { Resources } from '../../domain/resources.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { ResourcesType } from '../graph/resources.ts';
import { DateTime } from '../graph/scalars.ts';

export const DeploymentStateEnum = stringEnum(
  'DeploymentState',
  'ACTIVE until somebody deletes it; DELETED stays as a record.',
  Object.keys(deploymentStates.next) as DeploymentState[],
);

@Directive('@key(fields: "id")')
@ObjectType('Deployment', {
  description: 'A module version or a trained artifact, kept ready to predict under one id.',
  simpleResolvers: true,
})
export class DeploymentType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => String)
  name!: string;

  @Field(() => DeploymentStateEnum)
  state!: DeploymentState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => String, { nullable: true, description: 'The backend asked for; null: any.' })
  requestedBackend!: string | null;

  @Field(() => String)
  backend!: string;

  @Field(() => Int)
  replicas!: number;

  @Field(() => ResourcesType, { description: 'Of each server.' })
  resources!: Resources;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

@Directive('@key(fields: "id")')
@ObjectType('Revision', {
  description: 'One thing that a deployment served or serves. Never changes once made.',
  simpleResolvers: true,
})
export class RevisionType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => Int, { description: '1, 2, 3 … within its deployment.' })
  number!: number;

  @Field(() => DateTime)
  createdAt!: number;
}

export const DeploymentConnection = connectionOf('Deployment', () => DeploymentType);
export const RevisionConnection = connectionOf('Revision', () => RevisionType);
