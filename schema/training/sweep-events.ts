import { createUnionType, Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { SweepEvent } from '../../domain/event.ts';
import type { SweepState } from '../../domain/sweep.ts';
import type { TrainingRunState } from '../../domain/training-run.ts';
import { DateTime } from '../graph/scalars.ts';
import { SweepStateEnum, SweepType } from './sweep.ts';
import { TrainingRunStateEnum, TrainingRunType } from './training-run.ts';

@ObjectType({
  description: 'The sweep and all its runs were accepted for good.',
  simpleResolvers: true,
})
export class SweepAccepted {
  @Field(() => Int, { description: 'How many runs it has.' })
  trials!: number;
}

@ObjectType({ simpleResolvers: true })
export class SweepStateChanged {
  @Field(() => SweepStateEnum, { nullable: true })
  from!: SweepState | null;

  @Field(() => SweepStateEnum)
  to!: SweepState;

  @Field(() => String, { nullable: true })
  reason!: string | null;
}

@ObjectType({ simpleResolvers: true })
export class SweepRunEnded {
  @Field(() => ID)
  runId!: string;

  @Field(() => Int, { description: 'Within the sweep.' })
  number!: number;

  @Field(() => TrainingRunStateEnum)
  state!: TrainingRunState;

  @Field(() => Float, {
    nullable: true,
    description: 'Of the sweep’s metric; null when the run has none.',
  })
  value!: number | null;

  @Field(() => Int, { description: 'How many of its runs have ended, this one included.' })
  ended!: number;

  @Field(() => TrainingRunType, { nullable: true })
  trainingRun!: TrainingRunType | null;
}

@ObjectType({ simpleResolvers: true })
export class SweepBestChanged {
  @Field(() => ID)
  runId!: string;

  @Field(() => Int, { description: 'Within the sweep.' })
  number!: number;

  @Field(() => Float)
  bestValue!: number;

  @Field(() => Float, { nullable: true, description: 'Of the best before; null for the first.' })
  previousValue!: number | null;
}

@ObjectType({ simpleResolvers: true })
export class SweepCancelRequested {
  @Field(() => String)
  by!: string;
}

const types = {
  'sweep.accepted': SweepAccepted,
  'sweep.stateChanged': SweepStateChanged,
  'sweep.runEnded': SweepRunEnded,
  'sweep.bestChanged': SweepBestChanged,
  'sweep.cancelRequested': SweepCancelRequested,
} as const satisfies { readonly [T in SweepEvent['type']]: unknown };

export const SweepChange = createUnionType({
  name: 'SweepChange',
  description: 'What happened to a sweep.',
  types: () => Object.values(types),
  resolveType: (change) => types[(change as unknown as SweepEvent).type],
});

@ObjectType('SweepEvent', {
  description: 'An entry of the sweep’s log; `sequence` is 1, 2, 3 … without a gap.',
  simpleResolvers: true,
})
export class SweepEventType {
  @Field(() => Int, { description: 'Pass it as `after` to go on behind this event.' })
  sequence!: number;

  @Field(() => DateTime)
  at!: number;

  @Field(() => SweepChange)
  change!: object;

  @Field(() => SweepType, {
    description: 'The sweep as it is now, which may be later than this event.',
  })
  sweep!: SweepType;
}

/** As the API says it: the best that changed is flat. */
export function changeOf(event: SweepEvent): object {
  if (event.type !== 'sweep.bestChanged') return event;
  const { best, previous, type } = event;
  const { runId, number, value: bestValue } = best;
  return { type, runId, number, bestValue, previousValue: previous?.value ?? null };
}
