import type { Resources } from '../../domain/resources.ts';
import type {
  CreateDeploymentInput,
  DeploymentFilter,
  DeploymentOrder,
  UpdateDeploymentInput,
} from '../../schema/deployments/inputs.ts';
import type { ResourcesInput } from '../../schema/graph/resources.ts';
import type { DeploymentQuery } from '../../services/deployments/deployments.ts';
import type { CreateDeployment, UpdateDeployment } from '../../services/deployments/requests.ts';

export function createRequest(input: CreateDeploymentInput): CreateDeployment {
  return {
    name: input.name,
    moduleVersionId: input.moduleVersionId ?? null,
    artifactId: input.artifactId ?? null,
    backend: input.backend ?? null,
    replicas: input.replicas,
    resources: partialResources(input.resources),
    idempotencyKey: input.idempotencyKey ?? null,
  };
}

export function updateRequest(input: UpdateDeploymentInput): UpdateDeployment {
  return {
    id: input.id,
    name: input.name ?? null,
    moduleVersionId: input.moduleVersionId ?? null,
    artifactId: input.artifactId ?? null,
    replicas: input.replicas ?? null,
    expectedVersion: input.expectedVersion ?? null,
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

const orderColumns = { CREATED_AT: 'createdAt', UPDATED_AT: 'updatedAt', NAME: 'name' } as const;

export function deploymentQuery(
  filter: DeploymentFilter | null | undefined,
  orderBy: DeploymentOrder | null | undefined,
): DeploymentQuery {
  const { states, backend, moduleVersionId, artifactId } = filter ?? {};
  return {
    where: {
      ...(states != null && { state: { in: states } }),
      ...(backend != null && { backend }),
      ...(moduleVersionId != null && { moduleVersionId }),
      ...(artifactId != null && { artifactId }),
    },
    orderBy: {
      column: orderColumns[orderBy?.field ?? 'CREATED_AT'],
      direction: orderBy?.direction ?? 'DESC',
    },
  };
}
