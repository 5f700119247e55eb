import { Directive, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import type { Resources } from '../../domain/resources.ts';
import {
  attemptStates,
  type AttemptState,
  type Outcome,
  type Progress,
  trainingRunStates,
  type TrainingRunState,
} from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import { connectionOf } from '../graph/connection.ts';
import { stringEnum } from '../graph/enums.ts';
import { ResourcesType } from '../graph/resources.ts';
import { DateTime, JsonScalar } from '../graph/scalars.ts';
import { WaitingType } from '../graph/waiting.ts';

export const TrainingRunStateEnum = stringEnum(
  'TrainingRunState',
  'QUEUED → PLACED → SUBMITTED → PENDING → PREPARING → RUNNING → EVALUATING → an end.',
  Object.keys(trainingRunStates.next) as TrainingRunState[],
);

export const AttemptStateEnum = stringEnum(
  'AttemptState',
  'As TrainingRunState, from PLACED on.',
  Object.keys(attemptStates.next) as AttemptState[],
);

const outcomeCodes: readonly Outcome['code'][] = [
  'OK',
  'CANCELLED',
  'NON_ZERO_EXIT',
  'SIGNALLED',
  'OUT_OF_MEMORY',
  'TIME_LIMIT',
  'NO_OUTPUT',
  'BAD_OUTPUT',
  'VANISHED',
  'NOT_STARTED',
];

export const OutcomeCodeEnum = stringEnum('OutcomeCode', 'How a run ended.', outcomeCodes);

@ObjectType('Outcome', { description: 'How it ended, for a person.', simpleResolvers: true })
export class OutcomeType {
  @Field(() => OutcomeCodeEnum)
  code!: Outcome['code'];

  @Field(() => String)
  message!: string;

  @Field(() => Int, { nullable: true })
  exitCode!: number | null;

  @Field(() => String, { nullable: true })
  signal!: string | null;
}

@ObjectType('Progress', { simpleResolvers: true })
export class ProgressType {
  @Field(() => Float)
  done!: number;

  @Field(() => Float)
  total!: number;

  @Field(() => String, { description: 'What is counted, for example `epoch`.' })
  unit!: string;
}

@ObjectType('Metric', { description: 'The latest value of a metric.', simpleResolvers: true })
export class MetricType {
  @Field(() => String)
  name!: string;

  @Field(() => Float)
  value!: number;
}

@ObjectType('MetricPoint', { simpleResolvers: true })
export class MetricPointType {
  @Field(() => Int, { description: 'Pass it as `after` to go on behind this point.' })
  offset!: number;

  @Field(() => String)
  name!: string;

  @Field(() => Float)
  value!: number;

  @Field(() => Float, { description: 'Batches since the start, over all epochs.' })
  step!: number;

  @Field(() => Int, { nullable: true })
  epoch!: number | null;

  @Field(() => DateTime)
  at!: number;
}

export const LogStreamEnum = stringEnum('LogStream', 'Where a line was printed.', [
  'STDOUT',
  'STDERR',
  'SYSTEM',
]);

@ObjectType('LogLine', { simpleResolvers: true })
export class LogLineType {
  @Field(() => Int, { description: 'Pass it as `after` to go on behind this line.' })
  offset!: number;

  @Field(() => DateTime)
  at!: number;

  @Field(() => LogStreamEnum)
  stream!: string;

  @Field(() => String, { description: 'Verbatim, control characters included; at most 16 KiB.' })
  text!: string;

  @Field(() => Int)
  attempt!: number;
}

@ObjectType('LogPage', { simpleResolvers: true })
export class LogPageType {
  @Field(() => [LogLineType])
  lines!: readonly LogLineType[];

  @Field(() => Int, { description: 'The newest offset there is.' })
  head!: number;

  @Field(() => Int, { description: 'Lines beyond the bound of a run that were dropped.' })
  dropped!: number;

  @Field(() => Boolean, { description: 'No more will come.' })
  ended!: boolean;
}

@Directive('@key(fields: "id")')
@ObjectType('Attempt', { description: 'One dispatch of a run.', simpleResolvers: true })
export class AttemptType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => Int, { description: '1, 2, 3 … within its run.' })
  number!: number;

  @Field(() => String)
  backend!: string;

  @Field(() => String, { description: 'Deterministic name of the native job.' })
  key!: string;

  @Field(() => AttemptStateEnum)
  state!: AttemptState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => String, { nullable: true, description: 'What the backend calls it, verbatim.' })
  nativeState!: string | null;

  @Field(() => OutcomeType, { nullable: true })
  outcome!: Outcome | null;

  @Field(() => DateTime, { nullable: true })
  observedAt!: number | null;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

@Directive('@key(fields: "id")')
@ObjectType('TrainingRun', {
  description: 'One training of a module version on a data set version.',
  simpleResolvers: true,
})
export class TrainingRunType {
  @Field(() => ID)
  id!: string;

  @Field(() => Int)
  version!: number;

  @Field(() => Int, { description: '1, 2, 3 … over the installation.' })
  number!: number;

  @Field(() => String)
  name!: string;

  @Field(() => TrainingRunStateEnum)
  state!: TrainingRunState;

  @Field(() => DateTime)
  stateSince!: number;

  @Field(() => WaitingType, {
    nullable: true,
    description: 'Why it is not running; null while it runs and after.',
  })
  waiting!: Waiting | null;

  @Field(() => JsonScalar, { description: 'Validated, defaults filled in.' })
  arguments!: JsonObject;

  @Field(() => Float, { description: 'The same seed, arguments and data give the same model.' })
  seed!: number;

  @Field(() => ResourcesType)
  resources!: Resources;

  @Field(() => String, { nullable: true })
  requestedBackend!: string | null;

  @Field(() => String, { nullable: true, description: 'Where it was placed.' })
  backend!: string | null;

  @Field(() => ProgressType, { nullable: true })
  progress!: Progress | null;

  @Field(() => OutcomeType, { nullable: true })
  outcome!: Outcome | null;

  @Field(() => DateTime, { nullable: true })
  cancelRequestedAt!: number | null;

  @Field(() => DateTime, { nullable: true, description: 'When the backend last spoke of it.' })
  observedAt!: number | null;

  @Field(() => DateTime, { nullable: true })
  startedAt!: number | null;

  @Field(() => DateTime, { nullable: true })
  finishedAt!: number | null;

  @Field(() => DateTime)
  createdAt!: number;

  @Field(() => DateTime)
  updatedAt!: number;
}

export const TrainingRunConnection = connectionOf('TrainingRun', () => TrainingRunType);
