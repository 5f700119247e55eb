import {
  Arg,
  Args,
  Ctx,
  FieldResolver,
  Float,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Sweep } from '../../domain/sweep.ts';
import type { Artifact, TrainingRun } from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { WaitingType } from '../../schema/graph/waiting.ts';
import { ArtifactType } from '../../schema/training/artifact.ts';
import {
  DatasetVersionInTraining,
  ModuleVersionInTraining,
  SplitInTraining,
} from '../../schema/training/foreign.ts';
import { RunCountType, SweepConnection, SweepType } from '../../schema/training/sweep.ts';
import {
  CancelSweepInput,
  CancelSweepPayload,
  CreateSweepInput,
  CreateSweepPayload,
  SweepFilter,
  SweepOrder,
} from '../../schema/training/sweep-inputs.ts';
import { TrainingRunConnection, TrainingRunType } from '../../schema/training/training-run.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { artifactById, runById } from './batches.ts';
import { countsOfSweep, runsOfSweep, sweepById, waitingOfSweep } from './sweep-batches.ts';
import { sweepQuery, sweepRequest } from './sweep-decode.ts';

@Resolver(() => SweepType)
export class SweepResolver {
  @Query(() => SweepType, {
    nullable: true,
    description: 'By id or by number: give exactly one.',
  })
  sweep(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID, { nullable: true }) id?: string,
    @Arg('number', () => Int, { nullable: true }) number?: number,
  ): Promise<Sweep | null> {
    return services.sweeps.getBy(actor, { id: id ?? null, number: number ?? null });
  }

  @Query(() => SweepConnection)
  async sweeps(
    @Ctx() { actor, services }: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => SweepFilter, { nullable: true }) filter?: SweepFilter,
    @Arg('orderBy', () => SweepOrder, { nullable: true }) orderBy?: SweepOrder,
  ): Promise<Connection<Sweep>> {
    const query = sweepQuery(filter, orderBy);
    const found = await services.sweeps.page(actor, query, pageRequest(page));
    return connection(found, () => services.sweeps.count(actor, query));
  }

  @Mutation(() => CreateSweepPayload, {
    description:
      'Accepts all runs or none: each combination is checked against the module’s `trainSchema` first.',
  })
  createSweep(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateSweepInput) input: CreateSweepInput,
  ) {
    return outcome('sweep', services.sweeps.create(actor, sweepRequest(input)));
  }

  @Mutation(() => CancelSweepPayload, {
    description: 'Asks for the end of every run that has not ended; repeating it changes nothing.',
  })
  cancelSweep(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CancelSweepInput) input: CancelSweepInput,
  ) {
    return outcome('sweep', services.sweeps.cancel(actor, input.id));
  }

  @FieldResolver(() => ModuleVersionInTraining)
  moduleVersion(@Root() sweep: Sweep): ModuleVersionInTraining {
    return { id: sweep.moduleVersionId };
  }

  @FieldResolver(() => DatasetVersionInTraining)
  datasetVersion(@Root() sweep: Sweep): DatasetVersionInTraining {
    return { id: sweep.datasetVersionId };
  }

  @FieldResolver(() => SplitInTraining)
  split(@Root() sweep: Sweep): SplitInTraining {
    return { id: sweep.splitId };
  }

  @FieldResolver(() => ArtifactType, {
    nullable: true,
    description: 'The checkpoint that each run goes on from.',
  })
  resumedFrom(@Root() sweep: Sweep, @Ctx() context: GraphContext): Promise<Artifact | null> | null {
    return sweep.resumeFrom === null ? null : context.load(artifactById, sweep.resumeFrom);
  }

  @FieldResolver(() => TrainingRunConnection, { description: 'By their number in the sweep.' })
  runs(
    @Root() sweep: Sweep,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<TrainingRun>> {
    return context.load(runsOfSweep, { parent: sweep.id, page: pageRequest(page) });
  }

  @FieldResolver(() => [RunCountType], {
    description: 'How many of its runs are in which state; states without one are left out.',
  })
  counts(@Root() sweep: Sweep, @Ctx() context: GraphContext): Promise<readonly RunCountType[]> {
    return context.load(countsOfSweep, sweep.id);
  }

  @FieldResolver(() => WaitingType, {
    nullable: true,
    description: 'Why nothing of it runs; null while one of its runs does, and after the end.',
  })
  waiting(@Root() sweep: Sweep, @Ctx() context: GraphContext): Promise<Waiting | null> {
    return context.load(waitingOfSweep, sweep);
  }

  @FieldResolver(() => TrainingRunType, {
    nullable: true,
    description:
      'The best by the objective so far, of those that succeeded and have the metric; of equal ones the first in the sweep.',
  })
  bestRun(
    @Root() { best }: Sweep,
    @Ctx() context: GraphContext,
  ): Promise<TrainingRun | null> | null {
    return best === null ? null : context.load(runById, best.runId);
  }

  @FieldResolver(() => Float, { nullable: true, description: 'The metric of `bestRun`.' })
  bestValue(@Root() { best }: Sweep): number | null {
    return best?.value ?? null;
  }
}

@Resolver(() => TrainingRunType)
export class TrainingRunSweepResolver {
  @FieldResolver(() => SweepType, {
    nullable: true,
    description: 'The sweep it is one run of; null when it is none’s.',
  })
  sweep(@Root() run: TrainingRun, @Ctx() context: GraphContext): Promise<Sweep | null> | null {
    return run.sweepId === undefined ? null : context.load(sweepById, run.sweepId);
  }

  @FieldResolver(() => Int, { nullable: true, description: '1, 2, 3 … within its sweep.' })
  sweepNumber(@Root() run: TrainingRun): number | null {
    return run.sweepNumber ?? null;
  }
}
