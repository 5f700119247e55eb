import { FathomError } from '../../domain/errors.ts';
import type { Resources } from '../../domain/resources.ts';
import type { ResourcesInput } from '../../schema/graph/resources.ts';
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
    resources: partialResources(input.resources),
    backend: input.backend ?? null,
    resumeFrom: input.resumeFrom ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

/** What was given; what was not comes from the module, then from the defaults. */
function partialResources(input: ResourcesInput | null | undefined): Partial<Resources> {
  const { cpus, memoryMiB, gpus, timeLimitSeconds } = input ?? {};
  return {
    ...(cpus != null && { cpus }),
    ...(memoryMiB != null && { memoryMiB }),
    ...(timeLimitSeconds != null && { timeLimitSeconds }),
    ...(gpus != null && {
      gpus: { count: gpus.count, model: gpus.model ?? null, memoryMiB: gpus.memoryMiB ?? null },
    }),
  };
}

const orderColumns = {
  CREATED_AT: 'createdAt',
  UPDATED_AT: 'updatedAt',
  NUMBER: 'number',
} as const;

export function runQuery(
  filter: TrainingRunFilter | null | undefined,
  orderBy: TrainingRunOrder | null | undefined,
): RunQuery {
  const { states, moduleVersionId, datasetVersionId, backend } = filter ?? {};
  return {
    where: {
      ...(states != null && { state: { in: states } }),
      ...(moduleVersionId != null && { moduleVersionId }),
      ...(datasetVersionId != null && { datasetVersionId }),
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
