import { Directive, Field, Float, InputType, Int, ObjectType } from 'type-graphql';
import type { GpuRequest, Resources } from '../../domain/resources.ts';

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

  @Field(() => Int, {
    nullable: true,
    description: 'Nodes that work together, each with all of the above; null: one.',
  })
  nodes?: number | null;
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

  @Field(() => GpuInput, {
    nullable: true,
    description: 'Null asks for none, also where the module would like some.',
  })
  gpus?: GpuInput | null;

  @Field(() => Int, { nullable: true })
  timeLimitSeconds?: number | null;

  @Field(() => Int, {
    defaultValue: 1,
    description:
      'Nodes that work together, each with all of the above. More than one: only where the backend’s capabilities say `severalNodes`, and never for a deployment.',
  })
  nodes!: number;
}

/** What was given; what was not comes from the module, then from the defaults. One node is what goes without saying. */
export function givenResources(input: ResourcesInput | null | undefined): Partial<Resources> {
  const { cpus, memoryMiB, gpus, timeLimitSeconds, nodes = 1 } = input ?? {};
  return {
    ...(cpus != null && { cpus }),
    ...(memoryMiB != null && { memoryMiB }),
    ...(timeLimitSeconds != null && { timeLimitSeconds }),
    ...(gpus !== undefined && { gpus: gpus && gpuRequest(gpus) }),
    ...(nodes !== 1 && { nodes }),
  };
}

function gpuRequest({ count, model, memoryMiB }: GpuInput): GpuRequest {
  return { count, model: model ?? null, memoryMiB: memoryMiB ?? null };
}
