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

  @Field(() => Boolean, {
    nullable: true,
    description: 'Null where the site does not say which are in use.',
  })
  inUse?: boolean | null;
}

@ObjectType('Accelerators', {
  description: 'All accelerators of one model and size at a backend.',
  simpleResolvers: true,
})
export class AcceleratorsType {
  @Field(() => String)
  model!: string;

  @Field(() => Int, { description: 'Of each.' })
  memoryMiB!: number;

  @Field(() => Int)
  count!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'Null where the site does not say which are in use.',
  })
  free!: number | null;
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

  @Field(() => [AcceleratorsType], { description: 'The GPUs by model, the largest first.' })
  accelerators!: readonly AcceleratorsType[];

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

  @Field(() => DateTime, {
    nullable: true,
    description: 'The earliest sign that it cannot be reached; null while it can.',
  })
  unreachableSince!: number | null;

  @Field(() => BackendCapacityType, { nullable: true })
  capacity!: BackendCapacityType | null;
}

@ObjectType('BackendCapabilities', {
  description: 'What it can do, by what it says of itself; what it cannot is refused.',
  simpleResolvers: true,
})
export class BackendCapabilitiesType {
  @Field(() => Boolean, {
    description: 'Whether it takes the runs of a sweep together, as one native object.',
  })
  arrays!: boolean;

  @Field(() => Boolean)
  gpus!: boolean;

  @Field(() => Boolean, { description: 'Whether GPUs can be asked for by model.' })
  gpuModels!: boolean;

  @Field(() => Boolean)
  cancelQueued!: boolean;

  @Field(() => Boolean)
  enforcesMemory!: boolean;

  @Field(() => Boolean)
  enforcesTimeLimit!: boolean;

  @Field(() => Boolean, { description: 'Whether it runs modules that are images.' })
  images!: boolean;

  @Field(() => Boolean, { description: 'Whether it runs modules that are folders of code.' })
  processes!: boolean;

  @Field(() => Boolean, {
    description: "Whether it runs images that have DEEPaaS and nothing of Fathom's.",
  })
  deepaasImages!: boolean;

  @Field(() => Boolean, { description: 'Whether it replaces servers that fail.' })
  selfHealing!: boolean;

  @Field(() => Boolean, { description: 'Whether `resources.nodes` may be more than one.' })
  severalNodes!: boolean;

  @Field(() => Boolean, { description: 'Whether logs tell standard output from standard error.' })
  separatesStreams!: boolean;
}

@ObjectType('Backend', { description: 'A place where things run.', simpleResolvers: true })
export class BackendType {
  @Field(() => String)
  name!: string;

  @Field(() => String)
  type!: string;

  @Field(() => Boolean, { description: 'Whether it trains.' })
  runsJobs!: boolean;

  @Field(() => Boolean, { description: 'Whether it keeps servers running.' })
  runsServices!: boolean;
  @Field(() => Boolean, {
    description: 'Whether it serves by functions: containers come and go with the calls.',
  })
  runsFunctions!: boolean;

  @Field(() => BackendCapabilitiesType)
  capabilities!: BackendCapabilitiesType;
}
