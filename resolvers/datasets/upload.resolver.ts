import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Dataset, Upload } from '../../domain/dataset.ts';
import { DatasetType } from '../../schema/datasets/dataset.ts';
import { AbortUploadInput, CreateUploadsInput } from '../../schema/datasets/inputs.ts';
import { AbortUploadPayload, CreateUploadsPayload } from '../../schema/datasets/payloads.ts';
import { UploadType } from '../../schema/datasets/upload.ts';
import { SafeInt } from '../../schema/graph/scalars.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { datasetById } from './batches.ts';
import { createUploads } from './decode.ts';

@Resolver(() => UploadType)
export class UploadResolver {
  @Query(() => UploadType, { nullable: true })
  upload(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Upload | null> {
    return services.datasets.uploads.get(actor, id);
  }

  @Mutation(() => CreateUploadsPayload, {
    description: 'Announces files; the bytes of each go to its `url`.',
  })
  createUploads(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateUploadsInput) input: CreateUploadsInput,
  ) {
    return outcome('uploads', services.datasets.uploads.create(actor, createUploads(input)));
  }

  @Mutation(() => AbortUploadPayload)
  abortUpload(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => AbortUploadInput) { id }: AbortUploadInput,
  ) {
    return outcome('upload', services.datasets.uploads.abort(actor, id));
  }

  @FieldResolver(() => DatasetType)
  dataset(@Root() { datasetId }: Upload, @Ctx() context: GraphContext): Promise<Dataset | null> {
    return context.load(datasetById, datasetId);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description:
      'Where its parts go, by the tus 1.0 protocol: signed, expiring; ask again for a fresh one. Null when it takes none any more.',
  })
  url(@Root() upload: Upload, @Ctx() { services }: GraphContext): string | null {
    return services.datasets.uploads.urlOf(upload);
  }

  @FieldResolver(() => SafeInt, { description: 'Bytes that are safe here.' })
  receivedBytes(@Root() upload: Upload, @Ctx() { services }: GraphContext): Promise<number> {
    return services.datasets.uploads.received(upload);
  }
}
