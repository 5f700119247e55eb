import { Directive, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Resources } from '../../domain/resources.ts';
import {
  sweepGoals,
  type SweepGoal,
  type SweepObjective,
  sweepStates,
  type SweepState,
} from '../../domain/sweep.ts';
import {
  type SweepParameter,
  type SweepRange,
  sweepScales,
  sweepStrategies,
  type SweepStrategy,
} from '../../domain/sweep-parameters.ts';
import type { TrainingRunState } from '../../domain/training-run.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { ResourcesType } from '../graph/resources.ts';
import { DateTime, JsonScalar } from '../graph/scalars.ts';
import { TrainingRunStateEnum } from './training-run.ts';

const stateSentences = {
  QUEUED: 'None of its runs was let on yet.',
  RUNNING: 'Its runs were let on, or as many as may run at the same time; one has not ended.',
  CANCELLING: 'Its end was asked for; one of its runs has not ended.',
  SUCCEEDED: 'Every run ended, and one at least succeeded.',
  FAILED: 'Every run ended, and none succeeded.',
  CANCELLED: 'Every run ended, one at least because the end of the sweep was asked for.',
} as const satisfies { readonly [S in SweepState]: string };

export const SweepStateEnum = stringEnum(
  'SweepState',
  'QUEUED → RUNNING → an end, which its runs decide.',
  Object.keys(sweepStates.next) as SweepState[],
  (state) => stateSentences[state],
);

const strategySentences = {
  GRID: 'Every combination of the given values.',
  RANDOM: 'So many combinations, drawn from values and ranges by the seed.',
} as const satisfies { readonly [S in SweepStrategy]: string };

export const SweepStrategyEnum = stringEnum(
  'SweepStrategy',
  'Which combinations of arguments are run.',
  sweepStrategies,
  (strategy) => strategySentences[strategy],
);

export const SweepGoalEnum = stringEnum('SweepGoal', 'Which value is better.', sweepGoals);

export const SweepScaleEnum = stringEnum(
  'SweepScale',
  'LINEAR draws evenly between the bounds, LOG evenly between their logarithms.',
  sweepScales,
);

@ObjectType('SweepObjective', {
  description: 'What its runs are compared by.',
  simpleResolvers: true,
})
export class SweepObjectiveType {
  @Field(() => String)
  metric!: string;

  @Field(() => SweepGoalEnum)
  goal!: SweepGoal;
}

@ObjectType('SweepRange', { simpleResolvers: true })
export class SweepRangeType {
  @Field(() => Float)
  minimum!: number;

  @Field(() => Float)
  maximum!: number;

  @Field(() => SweepScaleEnum)
  scale!: SweepRange['scale'];

  @Field(() => Boolean, { description: 'Whole numbers, both bounds included.' })
  integer!: boolean;
}

@ObjectType('SweepParameter', {
  description: 'An argument that varies, over values or over a range.',
  simpleResolvers: true,
})
export class SweepParameterType {
  @Field(() => String)
  argument!: string;

  @Field(() => [JsonScalar], { nullable: true })
  values!: readonly Json[] | null;

  @Field(() => SweepRangeType, { nullable: true })
  range!: SweepRange | null;
}

@ObjectType('RunCount', { description: 'How many runs are in a state.', simpleResolvers: true })
export class RunCountType {
  @Field(() => TrainingRunStateEnum)
  state!: TrainingRunState;

  @Field(() => Int)
  count!: number;
}

@Directive('@key(fields: "id")')
@ObjectType('Sweep', {
  description:
    'Many runs of one module version on one data set version that differ in their arguments, compared by one metric.',
  simpleResolvers: true,
})
export class SweepType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => Int, { description: '1, 2, 3 … over the installation.' })
  number!: number;

  @Field(() => String)
  name!: string;

  @Field(() => SweepStateEnum)
  state!: SweepState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => JsonScalar, { description: 'What all its runs are given, as it was asked for.' })
  arguments!: JsonObject;

  @Field(() => [SweepParameterType])
  parameters!: readonly SweepParameter[];

  @Field(() => SweepStrategyEnum)
  strategy!: SweepStrategy;

  @Field(() => Int, { description: 'How many runs it has.' })
  trials!: number;

  @Field(() => SweepObjectiveType)
  objective!: SweepObjective;

  @Field(() => Float, { description: 'Of what is drawn, and of each run.' })
  seed!: number;

  @Field(() => ResourcesType, { description: 'Of each run.' })
  resources!: Resources;

  @Field(() => String, { nullable: true })
  requestedBackend!: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many run at the same time; null for as many as the site takes.',
  })
  atOnce!: number | null;

  @Field(() => DateTime, { nullable: true })
  cancelRequestedAt!: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When the last of its runs had ended.' })
  finishedAt!: number | null;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

export const SweepConnection = connectionOf('Sweep', () => SweepType);
