import { FathomError } from '../../domain/errors.ts';
import { givenResources } from '../../schema/graph/resources.ts';
import type {
  CreateTrainingRunInput,
  TrainingRunFilter,
  TrainingRunOrder,
} from '../../schema/training/inputs.ts';
import type { CreateTrainingRun } from '../../services/training/create-run.ts';
import type { RunQuery } from '../../services/training/training-runs.ts';

export function createRequest(input: CreateTrainingRunInput): CreateTrainingRun {
  return {
    name: input.name ?? null,
    moduleVersionId: input.moduleVersionId,
    datasetVersionId: input.datasetVersionId,
    splitId: input.splitId ?? null,
    arguments: input.arguments ?? {},
    seed: input.seed ?? null,
    resources: givenResources(input.resources),
    backend: input.backend ?? null,
    resumeFrom: input.resumeFrom ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

export const orderColumns = {
  CREATED_AT: 'createdAt',
  UPDATED_AT: 'updatedAt',
  NUMBER: 'number',
} as const;

export function runQuery(
  filter: TrainingRunFilter | null | undefined,
  orderBy: TrainingRunOrder | null | undefined,
): RunQuery {
  const { states, moduleVersionId, datasetVersionId, sweepId, backend } = filter ?? {};
  return {
    where: {
      ...(states != null && { state: { in: states } }),
      ...(moduleVersionId != null && { moduleVersionId }),
      ...(datasetVersionId != null && { datasetVersionId }),
      ...(sweepId != null && { sweepId }),
      ...(backend != null && { backend }),
    },
    orderBy: {
      column: orderColumns[orderBy?.field ?? 'CREATED_AT'],
      direction: orderBy?.direction ?? 'DESC',
    },
  };
}

const maximumEntries = 100;

export function streamLimit(first: number): number {
  if (first >= 1 && first <= maximumEntries) return first;
  throw new FathomError('INVALID_ARGUMENT', `\`first\` is between 1 and ${maximumEntries}.`, {
    path: ['first'],
  });
}
