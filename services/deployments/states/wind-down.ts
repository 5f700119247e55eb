import { BackendError } from '../../../backends/contract/error.ts';
import { deploymentStates, type Endpoint } from '../../../domain/deployment.ts';
import { transition } from '../../../domain/state.ts';
import type { Transaction } from '../../../store/contract/store.ts';
import { EndpointRecord } from '../endpoint-record.ts';
import { adopt } from './deploy.ts';
import { handleOf, isForGood, save, type SeenEndpoint } from './seen-endpoint.ts';

const betweenDrainLooksMs = 200;

/** Takes an endpoint away that nobody wants any more: calls under way end first, then its servers are released. */
export async function windDown(seen: SeenEndpoint): Promise<number | null> {
  const { endpoint } = seen;
  if (endpoint.state === 'FAILED') return release(seen);
  if (endpoint.state !== 'COOLING') return cool(seen);
  const waitUntil = drainedAt(seen);
  return waitUntil === null ? release(seen) : waitUntil;
}

/** Lets go of the servers. Until the backend confirmed it, the endpoint keeps its handle and its state. */
export async function release(seen: SeenEndpoint): Promise<number | null> {
  const { at, backend, endpoint } = seen;
  const handle = handleOf(endpoint);
  if (handle !== null) {
    await backend.release(handle).catch((error: unknown) => {
      if (!(error instanceof BackendError) || error.kind !== 'NotFound') throw error;
    });
  }
  const record = new EndpointRecord(endpoint, at.ambient.now());
  record.wait(null);
  record.patch({ handle: null });
  record.prove([]);
  if (endpoint.state === 'COOLING') record.move('COLD', 'Its servers are gone.');
  await save(seen, record, (tx) => finishDeletion(tx, seen));
  seen.traffic.forget(endpoint.id);
  return null;
}

async function cool(seen: SeenEndpoint): Promise<number> {
  const { at, deployment, endpoint } = seen;
  const now = at.ambient.now();
  const record = new EndpointRecord(endpoint, now);
  if (endpoint.handle === null) {
    // A start that was never confirmed may have happened: what runs under the key must be found to be stopped.
    const found = await adopt(seen).catch((error: unknown) => {
      if (error instanceof BackendError && isForGood(error)) return null;
      throw error;
    });
    record.patch({ handle: found === null ? null : { ...found } });
  }
  record.wait(null);
  record.move(
    'COOLING',
    deployment.state === 'ACTIVE' ? 'Another revision took over.' : 'The deployment was deleted.',
  );
  await save(seen, record);
  return at.ambient.now();
}

/** When to look again at calls under way, or null when there are none. */
function drainedAt({ at, endpoint, traffic, timings }: SeenEndpoint): number | null {
  const now = at.ambient.now();
  const cooled = now - endpoint.stateSince;
  if (endpoint.warmth === null || cooled >= timings.longestDrainMs) return null;
  if (cooled < timings.drainMs) return endpoint.stateSince + timings.drainMs;
  return traffic.inFlight(endpoint.id) === 0 ? null : now + betweenDrainLooksMs;
}

/** Whether nothing of it runs, nor may be running. */
export function isSettled(endpoint: Endpoint): boolean {
  return endpoint.handle === null && (endpoint.state === 'COLD' || endpoint.state === 'FAILED');
}

/** A deployment is DELETED when the last of its endpoints is gone. */
export async function finishDeletion(
  tx: Transaction,
  { at, deployment: { id } }: Pick<SeenEndpoint, 'at' | 'deployment'>,
): Promise<void> {
  const deployment = await tx.deployments.get(id);
  if (deployment === null || deployment.state !== 'DELETING') return;
  const where = { deploymentId: deployment.id, state: { notIn: ['COLD', 'FAILED'] } };
  const failed = { deploymentId: deployment.id, state: 'FAILED' };
  if ((await tx.endpoints.count({ where })) > 0) return;
  const held = await tx.endpoints.list({ where: failed }, 1_000);
  if (held.some((endpoint) => endpoint.handle !== null)) return;
  const now = at.ambient.now();
  const moved = transition(deploymentStates, deployment, 'DELETED', now, null);
  if (moved === null) return;
  await tx.deployments.update({
    ...moved.entity,
    version: deployment.version + 1,
    updatedAt: now,
  });
  await tx.events.append(deployment.id, now, [
    { type: 'deployment.stateChanged', from: 'DELETING', to: 'DELETED' },
  ]);
}
