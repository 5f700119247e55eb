import { FathomError } from '../../domain/errors.ts';
import type { Resources } from '../../domain/resources.ts';

/** What a person gives; ids as text. Exactly one of `moduleVersionId` and `artifactId`. */
export interface CreateDeployment {
  readonly name: string;
  readonly moduleVersionId: string | null;
  readonly artifactId: string | null;
  readonly backend: string | null;
  readonly replicas: number;
  readonly resources: Partial<Resources>;
  readonly idempotencyKey: string | null;
}

/** What is null stays as it is; a module version or an artifact (not both) becomes a new revision. */
export interface UpdateDeployment {
  readonly id: string;
  readonly name: string | null;
  readonly moduleVersionId: string | null;
  readonly artifactId: string | null;
  readonly replicas: number | null;
  readonly expectedVersion: number | null;
  readonly idempotencyKey: string | null;
}

export const replicaLimits = Object.freeze({ minimum: 1, maximum: 16 });

export async function checkReplicas(replicas: number | null): Promise<void> {
  const { minimum, maximum } = replicaLimits;
  if (replicas === null) return;
  if (Number.isSafeInteger(replicas) && replicas >= minimum && replicas <= maximum) return;
  throw new FathomError(
    'INVALID_ARGUMENT',
    `replicas is a whole number between ${minimum} and ${maximum}; you gave ${replicas}.`,
    { path: ['replicas'] },
  );
}
