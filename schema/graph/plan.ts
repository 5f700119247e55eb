import { Directive, Field, Float, Int, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import type { Resources } from '../../domain/resources.ts';
import { ResourcesType } from './resources.ts';
import { JsonScalar } from './scalars.ts';

@Directive('@shareable')
@ObjectType('NativeRequest', {
  description:
    'One thing that a backend would be sent, word for word, but for its secrets (`***`).',
  simpleResolvers: true,
})
export class NativeRequestType {
  @Field(() => String, { description: 'What it is, for example `Job` or `sbatch`.' })
  title!: string;

  @Field(() => String, { description: 'Of `text`.' })
  mediaType!: string;

  @Field(() => String)
  text!: string;
}

@Directive('@shareable')
@ObjectType('ConsideredBackend', { simpleResolvers: true })
export class ConsideredBackendType {
  @Field(() => String)
  backend!: string;

  @Field(() => String)
  type!: string;

  @Field(() => Boolean, { description: 'Whether it could do it, by what it says of itself.' })
  fits!: boolean;

  @Field(() => String, { description: 'Why it was chosen, or passed over.' })
  reason!: string;

  @Field(() => String, {
    nullable: true,
    description: 'What would go wrong or take long there now, as far as it can be seen.',
  })
  warning!: string | null;
}

@Directive('@shareable')
@ObjectType('PlannedWorkload', {
  description: 'What would be run, in short.',
  simpleResolvers: true,
})
export class PlannedWorkloadType {
  @Field(() => String)
  title!: string;

  @Field(() => String, { description: 'For example `train iris-mlp`.' })
  program!: string;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'Of a training: validated, defaults filled in.',
  })
  arguments!: JsonObject | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Of a training; drawn for this plan when it was left out.',
  })
  seed!: number | null;

  @Field(() => ResourcesType)
  resources!: Resources;

  @Field(() => Int, { nullable: true, description: 'Servers of a deployment.' })
  replicas!: number | null;

  @Field(() => Int, { description: 'Files that are brought to where it runs.' })
  inputFiles!: number;

  @Field(() => Float)
  inputBytes!: number;
}

@Directive('@shareable')
@ObjectType('PlacementPlan', {
  description: 'A dry run: where it would go and why, and what would be sent there.',
  simpleResolvers: true,
})
export class PlacementPlanType {
  @Field(() => String, {
    nullable: true,
    description: 'Null when nothing that is configured can take it.',
  })
  backend!: string | null;

  @Field(() => String)
  reason!: string;

  @Field(() => [ConsideredBackendType], { description: 'In the order of the configuration.' })
  considered!: readonly ConsideredBackendType[];

  @Field(() => PlannedWorkloadType)
  workload!: PlannedWorkloadType;

  @Field(() => [NativeRequestType], {
    description:
      'In the order in which they would be sent; names hold an id of zeros in the place of the one to be made. Empty when there is no backend, or it would refuse: `considered` says why.',
  })
  requests!: readonly NativeRequestType[];
}
