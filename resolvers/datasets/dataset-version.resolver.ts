import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { DataFile, Dataset, DatasetVersion, Split } from '../../domain/dataset.ts';
import {
  DataFileConnection,
  DataFileType,
  DatasetVersionType,
} from '../../schema/datasets/dataset-version.ts';
import { DatasetType } from '../../schema/datasets/dataset.ts';
import { CreateDatasetVersionInput } from '../../schema/datasets/inputs.ts';
import { CreateDatasetVersionPayload } from '../../schema/datasets/payloads.ts';
import { SplitConnection, SplitType } from '../../schema/datasets/split.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { SafeInt } from '../../schema/graph/scalars.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { datasetById, splitById, splitsOfVersion } from './batches.ts';
import { createVersion } from './decode.ts';

@Resolver(() => DatasetVersionType)
export class DatasetVersionResolver {
  @Query(() => DatasetVersionType, { nullable: true })
  datasetVersion(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<DatasetVersion | null> {
    return services.datasets.getVersion(actor, id);
  }

  @Mutation(() => CreateDatasetVersionPayload, {
    description: 'Reads and validates the files, then fixes them as the next version.',
  })
  createDatasetVersion(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateDatasetVersionInput) input: CreateDatasetVersionInput,
  ) {
    return outcome('datasetVersion', services.datasets.createVersion(actor, createVersion(input)));
  }

  @FieldResolver(() => DatasetType)
  dataset(
    @Root() { datasetId }: DatasetVersion,
    @Ctx() context: GraphContext,
  ): Promise<Dataset | null> {
    return context.load(datasetById, datasetId);
  }

  @FieldResolver(() => DataFileConnection, { description: 'By path.' })
  files(
    @Root() version: DatasetVersion,
    @Ctx() { services }: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Connection<DataFile> {
    const files = services.datasets.filePage(version, pageRequest(page));
    return connection(files, () => version.files.length);
  }

  @FieldResolver(() => SafeInt, { description: 'Of all files.' })
  bytes(@Root() { files }: DatasetVersion): number {
    return files.reduce((sum, file) => sum + file.bytes, 0);
  }

  @FieldResolver(() => SplitType, { description: 'What a run uses that names no other.' })
  defaultSplit(
    @Root() { defaultSplitId }: DatasetVersion,
    @Ctx() context: GraphContext,
  ): Promise<Split | null> {
    return context.load(splitById, defaultSplitId);
  }

  @FieldResolver(() => SplitConnection, { description: 'Newest first.' })
  splits(
    @Root() { id }: DatasetVersion,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Split>> {
    return context.load(splitsOfVersion, { parent: id, page: pageRequest(page) });
  }
}

@Resolver(() => DataFileType)
export class DataFileResolver {
  @FieldResolver(() => String, {
    description: 'Where its bytes are read for a while: signed, expiring.',
  })
  url(@Root() file: DataFile, @Ctx() { services }: GraphContext): string {
    return services.datasets.urlOf(file);
  }
}
