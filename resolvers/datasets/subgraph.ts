import type { GraphContext } from '../context.ts';
import { datasetById, splitById, uploadById, versionById } from './batches.ts';
import { DataFileResolver, DatasetVersionResolver } from './dataset-version.resolver.ts';
import { DatasetResolver } from './dataset.resolver.ts';
import { SplitResolver } from './split.resolver.ts';
import { UploadResolver } from './upload.resolver.ts';

interface Reference {
  readonly id: string;
}

export const datasetsSubgraph = {
  name: 'datasets',
  resolvers: [
    DatasetResolver,
    DatasetVersionResolver,
    DataFileResolver,
    SplitResolver,
    UploadResolver,
  ],
  orphanedTypes: [],
  references: {
    Dataset: ({ id }: Reference, context: GraphContext) => context.load(datasetById, id),
    DatasetVersion: ({ id }: Reference, context: GraphContext) => context.load(versionById, id),
    Split: ({ id }: Reference, context: GraphContext) => context.load(splitById, id),
    Upload: ({ id }: Reference, context: GraphContext) => context.load(uploadById, id),
  },
} as const;
