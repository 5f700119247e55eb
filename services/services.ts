import type { Deployments } from './deployments/deployments.ts';
import type { Datasets } from './datasets/datasets.ts';
import type { Predictions } from './inference/predictions.ts';
import type { ModuleCatalogue } from './modules/module-catalogue.ts';
import type { Nodes } from './nodes.ts';
import type { Sweeps } from './sweeps/sweeps.ts';
import type { TrainingRuns } from './training/training-runs.ts';

/** The use cases, by noun. Every method takes the actor first. */
export interface Services {
  readonly modules: ModuleCatalogue;
  readonly datasets: Datasets;
  readonly trainingRuns: TrainingRuns;
  readonly sweeps: Sweeps;
  readonly deployments: Deployments;
  readonly predictions: Predictions;
  readonly nodes: Nodes;
}
