import { Field, Float, Int, ObjectType } from 'type-graphql';
import { DateTime } from '../graph/scalars.ts';

@ObjectType('GpuDevice', { simpleResolvers: true })
export class GpuDeviceType {
  @Field(() => Int)
  index!: number;

  @Field(() => String)
  model!: string;

  @Field(() => Int)
  memoryMiB!: number;
}

@ObjectType('BackendCapacity', { simpleResolvers: true })
export class BackendCapacityType {
  @Field(() => Float)
  cpus!: number;

  @Field(() => Float)
  cpusInUse!: number;

  @Field(() => Int)
  memoryMiB!: number;

  @Field(() => Int)
  memoryInUseMiB!: number;

  @Field(() => [GpuDeviceType])
  gpus!: readonly GpuDeviceType[];

  @Field(() => Int)
  gpusInUse!: number;

  @Field(() => Int, { description: 'Jobs accepted and not started.' })
  queued!: number;
}

@ObjectType('BackendHealth', { simpleResolvers: true })
export class BackendHealthType {
  @Field(() => Boolean)
  reachable!: boolean;

  @Field(() => String)
  message!: string;

  @Field(() => DateTime)
  checkedAt!: number;

  @Field(() => BackendCapacityType, { nullable: true })
  capacity!: BackendCapacityType | null;
}

@ObjectType('Backend', { description: 'A place where things run.', simpleResolvers: true })
export class BackendType {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  type!: string;

  @Field(() => Boolean, { description: 'Whether it trains.' })
  runsJobs!: boolean;

  @Field(() => Boolean, { description: 'Whether it serves.' })
  runsServices!: boolean;
}
