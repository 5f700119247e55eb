import { createUnionType, Field, ID, Int, ObjectType } from 'type-graphql';
import type { TrainingRunEvent } from '../../domain/event.ts';
import type {
  ArtifactKind,
  AttemptState,
  Outcome,
  Progress,
  TrainingRunState,
} from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import { DateTime } from '../graph/scalars.ts';
import { WaitingType } from '../graph/waiting.ts';
import { ArtifactKindEnum, ArtifactType } from './artifact.ts';
import {
  AttemptStateEnum,
  OutcomeType,
  ProgressType,
  TrainingRunStateEnum,
  TrainingRunType,
} from './training-run.ts';

@ObjectType({ description: 'The run was accepted for good.', simpleResolvers: true })
export class TrainingRunAccepted {
  @Field(() => ID)
  runId!: string;
}

@ObjectType({ simpleResolvers: true })
export class TrainingRunStateChanged {
  @Field(() => TrainingRunStateEnum, { nullable: true })
  from!: TrainingRunState | null;

  @Field(() => TrainingRunStateEnum)
  to!: TrainingRunState;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => OutcomeType, { nullable: true, description: 'With the last state only.' })
  outcome!: Outcome | null;
}

@ObjectType({ simpleResolvers: true })
export class TrainingRunWaitingChanged {
  @Field(() => WaitingType, { nullable: true })
  waiting!: Waiting | null;
}

@ObjectType({ simpleResolvers: true })
export class TrainingRunProgressed {
  @Field(() => ProgressType)
  progress!: Progress;
}

@ObjectType({ simpleResolvers: true })
export class AttemptChanged {
  @Field(() => ID)
  attemptId!: string;

  @Field(() => Int)
  number!: number;

  @Field(() => String)
  backend!: string;

  @Field(() => AttemptStateEnum)
  state!: AttemptState;

  @Field(() => String, { nullable: true })
  nativeState!: string | null;
}

@ObjectType({ simpleResolvers: true })
export class ArtifactRegistered {
  @Field(() => ID)
  artifactId!: string;

  @Field(() => ArtifactKindEnum)
  kind!: ArtifactKind;

  @Field(() => String)
  name!: string;

  @Field(() => Int, { nullable: true })
  epoch!: number | null;

  @Field(() => String)
  digest!: string;

  @Field(() => ArtifactType, { nullable: true })
  artifact!: ArtifactType | null;
}

@ObjectType({ simpleResolvers: true })
export class TrainingRunCancelRequested {
  @Field(() => String)
  by!: string;
}

const types = {
  'trainingRun.accepted': TrainingRunAccepted,
  'trainingRun.stateChanged': TrainingRunStateChanged,
  'trainingRun.waitingChanged': TrainingRunWaitingChanged,
  'trainingRun.progressed': TrainingRunProgressed,
  'trainingRun.attemptChanged': AttemptChanged,
  'trainingRun.artifactRegistered': ArtifactRegistered,
  'trainingRun.cancelRequested': TrainingRunCancelRequested,
} as const satisfies { readonly [T in TrainingRunEvent['type']]: unknown };

export const TrainingRunChange = createUnionType({
  name: 'TrainingRunChange',
  description: 'What happened to a run.',
  types: () => Object.values(types),
  resolveType: (change) => types[(change as unknown as TrainingRunEvent).type],
});

@ObjectType('TrainingRunEvent', {
  description: 'An entry of the run’s log; `sequence` is 1, 2, 3 … without a gap.',
  simpleResolvers: true,
})
export class TrainingRunEventType {
  @Field(() => Int, { description: 'Pass it as `after` to go on behind this event.' })
  sequence!: number;

  @Field(() => DateTime)
  at!: number;

  @Field(() => TrainingRunChange)
  change!: object;

  @Field(() => TrainingRunType, {
    description: 'The run as it is now, which may be later than this event.',
  })
  trainingRun!: TrainingRunType;
}
