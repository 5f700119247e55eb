import type { Handle } from '../../../backends/contract/workload.ts';
import { changedCode } from '../../modules/unchanged-code.ts';
import { EndpointRecord } from '../endpoint-record.ts';
import { serviceWorkloadOf } from '../service-workload.ts';
import { fail, save, type SeenEndpoint, servedBy } from './seen-endpoint.ts';

/** COLD → PLACED: from here on something may run under the endpoint's key. */
export async function place(seen: SeenEndpoint): Promise<number> {
  const now = seen.at.ambient.now();
  const record = new EndpointRecord(seen.endpoint, now);
  const { version } = await servedBy(seen);
  const changed = await changedCode(version);
  if (changed !== null) return fail(seen, record, changed);
  record.patch({ placedAt: now });
  record.move('PLACED', `Placed on ${seen.backend.name}.`);
  record.wait({
    code: 'DISPATCHING',
    message: `Being handed to ${seen.backend.name}.`,
    nextAttemptAt: null,
    raw: null,
  });
  await save(seen, record);
  return now;
}

/** Hands it to the backend. The key is deterministic, so what an earlier try started is found instead. */
export async function deploy(seen: SeenEndpoint): Promise<number> {
  const { at, backend, deployment, endpoint } = seen;
  const handle = await adopt(seen);
  const now = at.ambient.now();
  const record = new EndpointRecord(endpoint, now);
  record.patch({ handle: { ...handle }, observedAt: now, replicas: deployment.replicas });
  record.wait({
    code: 'STARTING',
    message: `${backend.name} is starting it.`,
    nextAttemptAt: null,
    raw: null,
  });
  await save(seen, record);
  return now;
}

export async function adopt(seen: SeenEndpoint): Promise<Handle> {
  const { deployment, revision, endpoint, serving, signal } = seen;
  const served = await servedBy(seen);
  const workload = serviceWorkloadOf(deployment, revision, served.module, served, seen.backend);
  return serving.deploy(workload, { key: endpoint.key, signal });
}
