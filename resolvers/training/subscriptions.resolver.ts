import { Arg, Ctx, FieldResolver, ID, Int, Resolver, Root, Subscription } from 'type-graphql';
import type { RecordedEvent, SweepEvent, TrainingRunEvent } from '../../domain/event.ts';
import type { Sweep } from '../../domain/sweep.ts';
import type { LogLine, MetricPoint, TrainingRun } from '../../domain/training-run.ts';
import { TrainingRunEventType } from '../../schema/training/events.ts';
import { SweepType } from '../../schema/training/sweep.ts';
import { changeOf, SweepEventType, SweepRunEnded } from '../../schema/training/sweep-events.ts';
import {
  LogLineType,
  MetricPointType,
  TrainingRunType,
} from '../../schema/training/training-run.ts';
import type { Offset } from '../../services/training/training-runs.ts';
import type { GraphContext } from '../context.ts';
import { runById } from './batches.ts';
import { sweepById } from './sweep-batches.ts';
import { flat } from './training-run.resolver.ts';

interface From {
  readonly id: string;
  readonly after: number;
}

type Subscriber = { readonly args: From; readonly context: GraphContext };

@Resolver()
export class TrainingSubscriptionResolver {
  @Subscription(() => TrainingRunEventType, {
    description:
      'Every event behind `after`, then those to come; completes when the run has ended.',
    subscribe: ({ args, context }: Subscriber) =>
      context.services.trainingRuns.followEvents(context.actor, args.id, args.after),
  } as never)
  trainingRunEvents(
    @Root() event: RecordedEvent<TrainingRunEvent>,
    @Arg('id', () => ID) _id: string,
    @Arg('after', () => Int, { defaultValue: 0 }) _after: number,
  ): RecordedEvent<TrainingRunEvent> {
    return event;
  }

  @Subscription(() => LogLineType, {
    description: 'Every line behind `after`, then those to come; completes when the run has ended.',
    subscribe: ({ args, context }: Subscriber) =>
      context.services.trainingRuns.followLog(context.actor, args.id, args.after),
  } as never)
  trainingRunLog(
    @Root() line: Offset<LogLine>,
    @Arg('id', () => ID) _id: string,
    @Arg('after', () => Int, { defaultValue: 0 }) _after: number,
  ): LogLineType {
    return flat(line);
  }

  @Subscription(() => MetricPointType, {
    description:
      'Every point behind `after`, then those to come; completes when the run has ended.',
    subscribe: ({ args, context }: Subscriber) =>
      context.services.trainingRuns.followMetrics(context.actor, args.id, args.after),
  } as never)
  trainingRunMetrics(
    @Root() point: Offset<MetricPoint>,
    @Arg('id', () => ID) _id: string,
    @Arg('after', () => Int, { defaultValue: 0 }) _after: number,
  ): MetricPointType {
    return flat(point);
  }

  @Subscription(() => SweepEventType, {
    description:
      'Every event behind `after`, then those to come; completes when the sweep has ended.',
    subscribe: ({ args, context }: Subscriber) =>
      context.services.sweeps.followEvents(context.actor, args.id, args.after),
  } as never)
  sweepEvents(
    @Root() event: RecordedEvent<SweepEvent>,
    @Arg('id', () => ID) _id: string,
    @Arg('after', () => Int, { defaultValue: 0 }) _after: number,
  ): RecordedEvent<SweepEvent> {
    return event;
  }
}

@Resolver(() => SweepEventType)
export class SweepEventResolver {
  @FieldResolver()
  change(@Root() { event }: RecordedEvent<SweepEvent>): object {
    return changeOf(event);
  }

  @FieldResolver(() => SweepType)
  sweep(
    @Root() event: RecordedEvent<SweepEvent>,
    @Ctx() context: GraphContext,
  ): Promise<Sweep | null> {
    return context.load(sweepById, event.aggregateId);
  }
}

@Resolver(() => SweepRunEnded)
export class SweepRunEndedResolver {
  @FieldResolver(() => TrainingRunType, { nullable: true })
  trainingRun(
    @Root() { runId }: { readonly runId: string },
    @Ctx() context: GraphContext,
  ): Promise<TrainingRun | null> {
    return context.load(runById, runId);
  }
}

@Resolver(() => TrainingRunEventType)
export class TrainingRunEventResolver {
  @FieldResolver()
  change(@Root() event: RecordedEvent<TrainingRunEvent>): object {
    return { ...event.event, runId: event.aggregateId };
  }

  @FieldResolver(() => TrainingRunType)
  trainingRun(
    @Root() event: RecordedEvent<TrainingRunEvent>,
    @Ctx() context: GraphContext,
  ): Promise<TrainingRun | null> {
    return context.load(runById, event.aggregateId);
  }
}
