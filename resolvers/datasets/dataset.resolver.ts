import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Dataset, DatasetVersion, Upload } from '../../domain/dataset.ts';
import { DatasetsArgs } from '../../schema/datasets/dataset-list.ts';
import {
  DatasetVersionConnection,
  DatasetVersionType,
} from '../../schema/datasets/dataset-version.ts';
import { DatasetConnection, DatasetType } from '../../schema/datasets/dataset.ts';
import { CreateDatasetInput, UpdateDatasetInput } from '../../schema/datasets/inputs.ts';
import { CreateDatasetPayload, UpdateDatasetPayload } from '../../schema/datasets/payloads.ts';
import { UploadConnection } from '../../schema/datasets/upload.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { connection } from '../connection.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { uploadsOfDataset, versionById, versionsOfDataset } from './batches.ts';
import { createDataset, filterOf, orderOf, updateDataset } from './decode.ts';

@Resolver(() => DatasetType)
export class DatasetResolver {
  @Query(() => DatasetType, { nullable: true })
  dataset(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Dataset | null> {
    return services.datasets.get(actor, id);
  }

  @Query(() => DatasetConnection, { description: 'The data sets that you may see.' })
  async datasets(
    @Ctx() { actor, services }: GraphContext,
    @Args(() => DatasetsArgs) args: DatasetsArgs,
  ): Promise<Connection<Dataset>> {
    const filter = filterOf(args);
    const page = await services.datasets.page(actor, filter, orderOf(args), pageRequest(args));
    return connection(page, () => services.datasets.count(actor, filter));
  }

  @Mutation(() => CreateDatasetPayload)
  createDataset(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateDatasetInput) input: CreateDatasetInput,
  ) {
    return outcome('dataset', services.datasets.create(actor, createDataset(input)));
  }

  @Mutation(() => UpdateDatasetPayload)
  updateDataset(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => UpdateDatasetInput) input: UpdateDatasetInput,
  ) {
    return outcome('dataset', services.datasets.update(actor, updateDataset(input)));
  }

  @FieldResolver(() => DatasetVersionType, { nullable: true })
  async latestVersion(
    @Root() { latestVersionId }: Dataset,
    @Ctx() context: GraphContext,
  ): Promise<DatasetVersion | null> {
    return latestVersionId === null ? null : context.load(versionById, latestVersionId);
  }

  @FieldResolver(() => DatasetVersionConnection, { description: 'Newest first.' })
  versions(
    @Root() { id }: Dataset,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<DatasetVersion>> {
    return context.load(versionsOfDataset, { parent: id, page: pageRequest(page) });
  }

  @FieldResolver(() => UploadConnection, { description: 'Those of yours, newest first.' })
  uploads(
    @Root() { id }: Dataset,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Upload>> {
    return context.load(uploadsOfDataset, { parent: id, page: pageRequest(page) });
  }
}
