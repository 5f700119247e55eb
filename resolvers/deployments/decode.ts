import type {
  CreateDeploymentInput,
  DeploymentFilter,
  DeploymentOrder,
  UpdateDeploymentInput,
} from '../../schema/deployments/inputs.ts';
import { givenResources } from '../../schema/graph/resources.ts';
import type { DeploymentQuery } from '../../services/deployments/deployments.ts';
import type { CreateDeployment, UpdateDeployment } from '../../services/deployments/requests.ts';

export function createRequest(input: CreateDeploymentInput): CreateDeployment {
  return {
    name: input.name,
    moduleVersionId: input.moduleVersionId ?? null,
    artifactId: input.artifactId ?? null,
    backend: input.backend ?? null,
    replicas: input.replicas,
    resources: givenResources(input.resources),
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
