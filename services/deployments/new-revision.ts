import type { Ambient } from '../../domain/ambient.ts';
import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import type { DeploymentEvent } from '../../domain/event.ts';
import { type Id, newId } from '../../domain/ids.ts';
import type { Served } from './served.ts';

export function newRevision(
  deploymentId: Id<'Deployment'>,
  number: number,
  { version, artifact }: Served,
  ambient: Ambient,
): Revision {
  const now = ambient.now();
  const random = () => ambient.random();
  return {
    id: newId('Revision', now, random),
    version: 1,
    deploymentId,
    number,
    moduleVersionId: version.id,
    artifactId: artifact?.id ?? null,
    endpointId: newId('Endpoint', now, random),
    createdAt: now,
  };
}

/** COLD, about to be placed. Its key is its id, so a start that was repeated finds the first one. */
export function newEndpoint(
  deployment: Pick<Deployment, 'id' | 'backend' | 'replicas'>,
  revision: Revision,
  now: number,
  traceparent: string | null = null,
): Endpoint {
  const id = revision.endpointId;
  return {
    id,
    version: 1,
    deploymentId: deployment.id,
    revisionId: revision.id,
    backend: deployment.backend,
    key: id,
    handle: null,
    state: 'COLD',
    stateSince: now,
    replicas: deployment.replicas,
    readyReplicas: 0,
    provenReplicas: [],
    setbacks: 0,
    nativeState: null,
    waiting: {
      code: 'DISPATCHING',
      message: `Accepted; about to be handed to ${deployment.backend}.`,
      since: now,
      nextAttemptAt: null,
      raw: null,
    },
    warmth: null,
    failure: null,
    restarts: 0,
    placedAt: null,
    observedAt: null,
    traceparent,
    createdAt: now,
    updatedAt: now,
  };
}

export function acceptedEvents(revision: Revision): readonly DeploymentEvent[] {
  return [
    {
      type: 'deployment.endpointChanged',
      endpointId: revision.endpointId,
      revisionId: revision.id,
      from: null,
      to: 'COLD',
      reason: null,
      readyReplicas: 0,
      warmth: null,
    },
  ];
}
