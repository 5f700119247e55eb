import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { DatasetVersion, Split } from '../../domain/dataset.ts';
import { DatasetVersionType } from '../../schema/datasets/dataset-version.ts';
import { CreateSplitInput } from '../../schema/datasets/inputs.ts';
import { CreateSplitPayload } from '../../schema/datasets/payloads.ts';
import { SplitType } from '../../schema/datasets/split.ts';
import type { GraphContext } from '../context.ts';
import { outcome } from '../outcome.ts';
import { versionById } from './batches.ts';
import { createSplit } from './decode.ts';

@Resolver(() => SplitType)
export class SplitResolver {
  @Query(() => SplitType, { nullable: true })
  split(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Split | null> {
    return services.datasets.getSplit(actor, id);
  }

  @Mutation(() => CreateSplitPayload)
  createSplit(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => CreateSplitInput) input: CreateSplitInput,
  ) {
    return outcome('split', services.datasets.createSplit(actor, createSplit(input)));
  }

  @FieldResolver(() => DatasetVersionType)
  datasetVersion(
    @Root() { datasetVersionId }: Split,
    @Ctx() context: GraphContext,
  ): Promise<DatasetVersion | null> {
    return context.load(versionById, datasetVersionId);
  }

  @FieldResolver(() => String, {
    description:
      'The lists as JSON: `{ rule, seed, train, test }` with the numbers of the examples.',
  })
  url(@Root() { sha256 }: Split, @Ctx() { services }: GraphContext): string {
    return services.datasets.urlOf({ sha256, path: 'split.json' });
  }
}
