import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { DataFile } from '../../domain/dataset.ts';
import type { Artifact, TrainingRun } from '../../domain/training-run.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { ArtifactFileType, ArtifactType } from '../../schema/training/artifact.ts';
import { ArtifactRegistered } from '../../schema/training/events.ts';
import {
  DatasetVersionInTraining,
  ModuleVersionInTraining,
} from '../../schema/training/foreign.ts';
import { LineageType } from '../../schema/training/lineage.ts';
import {
  MetricType,
  TrainingRunConnection,
  TrainingRunType,
} from '../../schema/training/training-run.ts';
import type { GraphContext } from '../context.ts';
import { artifactById, runById, runsOf } from './batches.ts';

@Resolver(() => ArtifactType)
export class ArtifactResolver {
  @Query(() => ArtifactType, { nullable: true })
  artifact(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Artifact | null> {
    return services.trainingRuns.artifact(actor, id);
  }

  @FieldResolver(() => [MetricType], { description: 'As measured when it was made.' })
  metrics(@Root() artifact: Artifact): readonly MetricType[] {
    return Object.entries(artifact.metrics).map(([name, value]) => ({ name, value }));
  }

  @FieldResolver(() => TrainingRunType)
  async run(@Root() artifact: Artifact, @Ctx() context: GraphContext): Promise<TrainingRun | null> {
    return context.load(runById, artifact.runId);
  }

  @FieldResolver(() => LineageType)
  async lineage(@Root() artifact: Artifact, @Ctx() context: GraphContext) {
    const {
      moduleVersionId,
      datasetVersionId,
      splitId,
      seed,
      arguments: values,
    } = artifact.lineage;
    return {
      run: await context.load(runById, artifact.runId),
      moduleVersion: { id: moduleVersionId },
      datasetVersion: { id: datasetVersionId },
      split: { id: splitId },
      arguments: values,
      seed,
    };
  }
}

@Resolver(() => ArtifactFileType)
export class ArtifactFileResolver {
  @FieldResolver(() => String, {
    description: 'Where its bytes are read for a while: signed, expiring.',
  })
  url(@Root() file: DataFile, @Ctx() { services }: GraphContext): string {
    return services.trainingRuns.urlOf(file);
  }
}

@Resolver(() => ArtifactRegistered)
export class ArtifactRegisteredResolver {
  @FieldResolver(() => ArtifactType, { nullable: true })
  artifact(
    @Root() change: { artifactId: string },
    @Ctx() context: GraphContext,
  ): Promise<Artifact | null> {
    return context.load(artifactById, change.artifactId);
  }
}

@Resolver(() => ModuleVersionInTraining)
export class ModuleVersionRunsResolver {
  @FieldResolver(() => TrainingRunConnection, {
    description: 'Runs that trained it, newest first.',
  })
  runs(
    @Root() version: { id: string },
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<TrainingRun>> {
    return context.load(runsOf.moduleVersionId, { parent: version.id, page: pageRequest(page) });
  }
}

@Resolver(() => DatasetVersionInTraining)
export class DatasetVersionUsesResolver {
  @FieldResolver(() => TrainingRunConnection, {
    description: 'Runs that were trained on it, newest first.',
  })
  usedBy(
    @Root() version: { id: string },
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<TrainingRun>> {
    return context.load(runsOf.datasetVersionId, { parent: version.id, page: pageRequest(page) });
  }
}
