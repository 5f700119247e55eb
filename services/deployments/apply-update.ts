import type { Ambient } from '../../domain/ambient.ts';
import type { Deployment } from '../../domain/deployment.ts';
import { FathomError } from '../../domain/errors.ts';
import type { DeploymentEvent } from '../../domain/event.ts';
import type { Transaction } from '../../store/contract/store.ts';
import { expectVersion } from '../visible.ts';
import { acceptedEvents, newEndpoint, newRevision } from './new-revision.ts';
import type { UpdateDeployment } from './requests.ts';
import type { Served } from './served.ts';
import { endpointWork } from './work-kinds.ts';

type Change = Pick<UpdateDeployment, 'name' | 'replicas' | 'expectedVersion'> & {
  readonly served: Served | null;
  readonly traceparent: string | null;
};

/** Writes the deployment, a new revision with its endpoint if there is one, and asks for looks at all that is concerned. */
export async function applyUpdate(
  tx: Transaction,
  current: Deployment,
  change: Change,
  ambient: Ambient,
): Promise<void> {
  expectVersion(current, change.expectedVersion);
  if (current.state !== 'ACTIVE') {
    throw new FathomError('WRONG_STATE', `The deployment is ${current.state}.`, { path: ['id'] });
  }
  const now = ambient.now();
  const latest = await tx.revisions.get(current.latestRevisionId);
  if (latest === null) throw new Error(`Revision ${current.latestRevisionId} is gone.`);
  const { served, traceparent } = change;
  const revision =
    served === null ? null : newRevision(current.id, latest.number + 1, served, ambient);
  const nothingAnswered = current.activeRevisionId === null;
  const deployment: Deployment = {
    ...current,
    version: current.version + 1,
    updatedAt: now,
    name: change.name ?? current.name,
    replicas: change.replicas ?? current.replicas,
    latestRevisionId: revision?.id ?? current.latestRevisionId,
    ...(revision !== null &&
      nothingAnswered && {
        moduleVersionId: revision.moduleVersionId,
        artifactId: revision.artifactId,
      }),
  };
  await tx.deployments.update(deployment);
  if (revision !== null) {
    await tx.revisions.insert(revision);
    await tx.endpoints.insert(newEndpoint(deployment, revision, now, traceparent));
    const { id: revisionId, number } = revision;
    const created: DeploymentEvent = { type: 'deployment.revisionCreated', revisionId, number };
    await tx.events.append(current.id, now, [created, ...acceptedEvents(revision)]);
    await tx.enqueue(endpointWork, revision.endpointId, now);
  }
  // Superseded before it was warm, or to be scaled: either way the endpoints there are have to be looked at.
  await tx.enqueue(endpointWork, latest.endpointId, now);
  const active = current.activeRevisionId;
  if (active === null || active === latest.id) return;
  const serving = await tx.revisions.get(active);
  if (serving !== null) await tx.enqueue(endpointWork, serving.endpointId, now);
}
