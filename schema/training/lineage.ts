import { Field, Float, ObjectType } from 'type-graphql';
import type { JsonObject } from '../../domain/json.ts';
import { JsonScalar } from '../graph/scalars.ts';
import { DatasetVersionInTraining, ModuleVersionInTraining, SplitInTraining } from './foreign.ts';
import { TrainingRunType } from './training-run.ts';

@ObjectType('Lineage', {
  description: 'Everything that made an artifact: repeat it and the digest is the same.',
  simpleResolvers: true,
})
export class LineageType {
  @Field(() => TrainingRunType)
  run!: { readonly id: string };

  @Field(() => ModuleVersionInTraining)
  moduleVersion!: ModuleVersionInTraining;

  @Field(() => DatasetVersionInTraining)
  datasetVersion!: DatasetVersionInTraining;

  @Field(() => SplitInTraining)
  split!: SplitInTraining;

  @Field(() => JsonScalar)
  arguments!: JsonObject;

  @Field(() => Float)
  seed!: number;
}
