import { givenResources } from '../../schema/graph/resources.ts';
import type {
  CreateSweepInput,
  SweepFilter,
  SweepOrder,
  SweepParameterInput,
} from '../../schema/training/sweep-inputs.ts';
import type { SweepParameter } from '../../domain/sweep-parameters.ts';
import type { CreateSweep } from '../../services/sweeps/create-sweep.ts';
import type { SweepQuery } from '../../services/sweeps/sweeps.ts';
import { orderColumns } from './decode.ts';

export function sweepRequest(input: CreateSweepInput): CreateSweep {
  const { metric, goal } = input.objective;
  return {
    name: input.name ?? null,
    moduleVersionId: input.moduleVersionId,
    datasetVersionId: input.datasetVersionId,
    splitId: input.splitId ?? null,
    arguments: input.arguments ?? {},
    space: {
      strategy: input.strategy,
      parameters: input.parameters.map(parameter),
      trials: input.trials ?? null,
    },
    objective: { metric, goal },
    atOnce: input.atOnce ?? null,
    seed: input.seed ?? null,
    resources: givenResources(input.resources),
    backend: input.backend ?? null,
    resumeFrom: input.resumeFrom ?? null,
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

function parameter({ argument, values, range }: SweepParameterInput): SweepParameter {
  if (range == null) return { argument, values: values ?? null, range: null };
  const { minimum, maximum, scale, integer } = range;
  return { argument, values: values ?? null, range: { minimum, maximum, scale, integer } };
}

export function sweepQuery(
  filter: SweepFilter | null | undefined,
  orderBy: SweepOrder | null | undefined,
): SweepQuery {
  const { states, moduleVersionId, datasetVersionId } = filter ?? {};
  return {
    where: {
      ...(states != null && { state: { in: states } }),
      ...(moduleVersionId != null && { moduleVersionId }),
      ...(datasetVersionId != null && { datasetVersionId }),
    },
    orderBy: {
      column: orderColumns[orderBy?.field ?? 'CREATED_AT'],
      direction: orderBy?.direction ?? 'DESC',
    },
  };
}
