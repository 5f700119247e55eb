import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Prediction } from '../../domain/deployment.ts';
import type { Connection } from '../../schema/graph/connection.ts';
import { PageArgs, pageRequest } from '../../schema/graph/page-args.ts';
import { DeploymentInInference, RevisionInInference } from '../../schema/inference/foreign.ts';
import { PredictInput, PredictPayload } from '../../schema/inference/inputs.ts';
import { PredictionConnection, PredictionType } from '../../schema/inference/prediction.ts';
import type { GraphContext } from '../context.ts';
import { predictionsOfDeployment } from './batches.ts';
import { predictPayload, predictRequest } from './predict.ts';

@Resolver(() => PredictionType)
export class PredictionResolver {
  @Mutation(() => PredictPayload, { description: 'One prediction by a warm deployment.' })
  predict(
    @Ctx() { actor, services }: GraphContext,
    @Arg('input', () => PredictInput) input: PredictInput,
  ) {
    return predictPayload(services.predictions.predict(actor, predictRequest(input)));
  }

  @Query(() => PredictionType, { nullable: true })
  prediction(
    @Ctx() { actor, services }: GraphContext,
    @Arg('id', () => ID) id: string,
  ): Promise<Prediction | null> {
    return services.predictions.get(actor, id);
  }

  @FieldResolver(() => DeploymentInInference)
  deployment(@Root() { deploymentId }: Prediction): DeploymentInInference {
    return { id: deploymentId };
  }

  @FieldResolver(() => RevisionInInference, { description: 'The revision that answered.' })
  revision(@Root() { revisionId }: Prediction): RevisionInInference {
    return { id: revisionId };
  }
}

@Resolver(() => DeploymentInInference)
export class DeploymentPredictionsResolver {
  @FieldResolver(() => PredictionConnection, {
    description: 'Calls, newest first: all of them to its owner, to others their own.',
  })
  predictions(
    @Root() { id }: DeploymentInInference,
    @Ctx() context: GraphContext,
    @Args(() => PageArgs) page: PageArgs,
  ): Promise<Connection<Prediction>> {
    return context.load(predictionsOfDeployment, { parent: id, page: pageRequest(page) });
  }
}
