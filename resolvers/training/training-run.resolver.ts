import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type {
  Artifact,
  Attempt,
  LogLine,
  MetricPoint,
  TrainingRun,
} from '../../domain/training-run.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { ArtifactConnection, ArtifactType } from '../../schema/training/artifact.ts';
import {
  DatasetVersionInTraining,
  ModuleVersionInTraining,
  SplitInTraining,
} from '../../schema/training/foreign.ts';
import {
  CancelTrainingRunInput,
  CancelTrainingRunPayload,
  CreateTrainingRunInput,
  CreateTrainingRunPayload,
  PlanTrainingRunPayload,
  TrainingRunFilter,
  TrainingRunOrder,
} from '../../schema/training/inputs.ts';
import {
  AttemptType,
  LogPageType,
  MetricPointType,
  MetricType,
  TrainingRunConnection,
  TrainingRunType,
} from '../../schema/training/training-run.ts';
import type { Offset } from '../../services/training/training-runs.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { artifactById, artifactsOfRun, attemptsOfRun } from './batches.ts';
import { createRequest, runQuery, streamLimit } from './decode.ts';

@Resolver(() => TrainingRunType)
export class TrainingRunResolver {
  @Query(() => TrainingRunType, {
    nullable: true,
    description: 'By id or by number: give exactly one.',
  })
  trainingRun(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID, { nullable: true }) id?: string,
    @Arg('number', () => Int, { nullable: true }) number?: number,
  ): Promise<TrainingRun | null> {
    return services.trainingRuns.getBy(actor, { id: id ?? null, number: number ?? null });
  }

  @Query(() => TrainingRunConnection)
  async trainingRuns(
    @Ctx() { actor, services }: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => TrainingRunFilter, { nullable: true }) filter?: TrainingRunFilter,
    @Arg('orderBy', () => TrainingRunOrder, { nullable: true }) orderBy?: TrainingRunOrder,
  ): Promise<Connection<TrainingRun>> {
    const query = runQuery(filter, orderBy);
    const found = await services.trainingRuns.page(actor, query, pageRequest(page));
    return connection(found, () => services.trainingRuns.count(actor, query));
  }

  @Query(() => PlanTrainingRunPayload, {
    description:
      'The dry run of `createTrainingRun`: where it would go, why, and the exact native request. Writes and sends nothing.',
  })
  planTrainingRun(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateTrainingRunInput) input: CreateTrainingRunInput,
  ) {
    return outcome('plan', services.trainingRuns.plan(actor, createRequest(input)));
  }

  @Mutation(() => CreateTrainingRunPayload)
  createTrainingRun(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateTrainingRunInput) input: CreateTrainingRunInput,
  ) {
    return outcome('trainingRun', services.trainingRuns.create(actor, createRequest(input)));
  }

  @Mutation(() => CancelTrainingRunPayload, {
    description: 'Asks for the end; a run that ended already is answered as it is.',
  })
  cancelTrainingRun(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CancelTrainingRunInput) input: CancelTrainingRunInput,
  ) {
    return outcome('trainingRun', services.trainingRuns.cancel(actor, input.id));
  }

  @FieldResolver(() => ModuleVersionInTraining)
  moduleVersion(@Root() run: TrainingRun): ModuleVersionInTraining {
    return { id: run.moduleVersionId };
  }

  @FieldResolver(() => DatasetVersionInTraining)
  datasetVersion(@Root() run: TrainingRun): DatasetVersionInTraining {
    return { id: run.datasetVersionId };
  }

  @FieldResolver(() => SplitInTraining)
  split(@Root() run: TrainingRun): SplitInTraining {
    return { id: run.splitId };
  }

  @FieldResolver(() => [MetricType], { description: 'The latest value of each metric, by name.' })
  metrics(@Root() run: TrainingRun): readonly MetricType[] {
    return Object.entries(run.metrics)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value }));
  }

  @FieldResolver(() => [AttemptType], { description: 'Its dispatches, oldest first.' })
  attempts(@Root() run: TrainingRun, @Ctx() context: GraphContext): Promise<readonly Attempt[]> {
    return context.load(attemptsOfRun, run.id);
  }

  @FieldResolver(() => ArtifactConnection, { description: 'What it left behind, oldest first.' })
  artifacts(
    @Root() run: TrainingRun,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Artifact>> {
    return context.load(artifactsOfRun, { parent: run.id, page: pageRequest(page) });
  }

  @FieldResolver(() => ArtifactType, {
    nullable: true,
    description: 'The checkpoint it went on from.',
  })
  resumedFrom(
    @Root() run: TrainingRun,
    @Ctx() context: GraphContext,
  ): Promise<Artifact | null> | null {
    return run.resumeFrom === null ? null : context.load(artifactById, run.resumeFrom);
  }

  @FieldResolver(() => LogPageType, {
    description: 'Lines behind `after`, at most `first` (1 to 100).',
  })
  async log(
    @Root() run: TrainingRun,
    @Ctx() { services }: GraphContext,
    @Arg('first', () => Int) first: number,
    @Arg('after', () => Int, { defaultValue: 0 }) after: number,
  ): Promise<LogPageType> {
    return services.trainingRuns.logPage(run, after, streamLimit(first));
  }

  @FieldResolver(() => [MetricPointType], {
    description: 'Points behind `after`, at most `first` (1 to 100).',
  })
  async metricPoints(
    @Root() run: TrainingRun,
    @Ctx() { services }: GraphContext,
    @Arg('first', () => Int) first: number,
    @Arg('after', () => Int, { defaultValue: 0 }) after: number,
  ): Promise<readonly MetricPointType[]> {
    return (await services.trainingRuns.metricPoints(run, after, streamLimit(first))).map(flat);
  }
}

/** An entry of a stream with its offset, as the API says it. */
export function flat<T extends LogLine | MetricPoint>(
  entry: Offset<T>,
): T & { readonly offset: number } {
  return { ...entry.value, offset: entry.offset };
}
