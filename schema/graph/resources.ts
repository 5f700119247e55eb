import { Directive, Field, Float, InputType, Int, ObjectType } from 'type-graphql';
import { defaultResources, type GpuRequest, type Resources } from '../../domain/resources.ts';

@Directive('@shareable')
@ObjectType('GpuRequest', { simpleResolvers: true })
export class GpuRequestType {
  @Field(() => Int)
  count!: number;

  @Field(() => String, { nullable: true, description: 'As the site names it; null for any.' })
  model!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Least memory of each device, in MiB; null for any.',
  })
  memoryMiB!: number | null;
}

@Directive('@shareable')
@ObjectType('Resources', { description: 'What a workload asks for.', simpleResolvers: true })
export class ResourcesType {
  @Field(() => Float)
  cpus!: number;

  @Field(() => Int)
  memoryMiB!: number;

  @Field(() => GpuRequestType, { nullable: true })
  gpus!: GpuRequest | null;

  @Field(() => Int)
  timeLimitSeconds!: number;
}

@InputType()
export class GpuInput {
  @Field(() => Int, { defaultValue: 1 })
  count!: number;

  @Field(() => String, { nullable: true })
  model?: string | null;

  @Field(() => Int, { nullable: true, description: 'Least memory of each device, in MiB.' })
  memoryMiB?: number | null;
}

@InputType({
  description:
    'What a workload asks for; what is left out comes from the module, then from the defaults.',
})
export class ResourcesInput {
  @Field(() => Float, { nullable: true })
  cpus?: number | null;

  @Field(() => Int, { nullable: true })
  memoryMiB?: number | null;

  @Field(() => GpuInput, { nullable: true })
  gpus?: GpuInput | null;

  @Field(() => Int, { nullable: true })
  timeLimitSeconds?: number | null;
}

/** Fills in what the input leaves out. */
export function resourcesFrom(
  input: ResourcesInput | null | undefined,
  defaults: Resources = defaultResources,
): Resources {
  const gpus = input?.gpus;
  return {
    cpus: input?.cpus ?? defaults.cpus,
    memoryMiB: input?.memoryMiB ?? defaults.memoryMiB,
    gpus:
      gpus === undefined || gpus === null
        ? defaults.gpus
        : { count: gpus.count, model: gpus.model ?? null, memoryMiB: gpus.memoryMiB ?? null },
    timeLimitSeconds: input?.timeLimitSeconds ?? defaults.timeLimitSeconds,
  };
}
