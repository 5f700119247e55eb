import type { Prediction } from '../../domain/deployment.ts';
import { childPages } from '../child-pages.ts';
import type { Batch } from '../context.ts';

export const predictionById: Batch<string, Prediction | null> = {
  load: (ids, { actor, services }) => services.predictions.getMany(actor, ids),
};

export const predictionsOfDeployment = childPages<Prediction>({
  pages: ({ actor, services }, parents, page) =>
    services.predictions.pageEach(actor, parents, page),
  counts: ({ actor, services }, parents) => services.predictions.countEach(actor, parents),
});
