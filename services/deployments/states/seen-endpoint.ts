import type { Backend } from '../../../backends/contract/backend.ts';
import type { BackendError } from '../../../backends/contract/error.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import type { Deployment, Endpoint, Revision } from '../../../domain/deployment.ts';
import type { Module } from '../../../domain/module.ts';
import type { Transaction } from '../../../store/contract/store.ts';
import type { Lease } from '../../../store/contract/work.ts';
import type { Surroundings } from '../../surroundings.ts';
import type { EndpointRecord } from '../endpoint-record.ts';
import type { EndpointTimings } from '../endpoint-timings.ts';
import type { Served } from '../served.ts';
import type { Serving } from '../serving.ts';
import type { Traffic } from '../traffic.ts';

/** What a handler works with: the rows as read at the start of the look, and the backend that has the endpoint. */
export interface SeenEndpoint {
  readonly at: Surroundings;
  readonly timings: EndpointTimings;
  readonly traffic: Traffic;
  readonly endpoint: Endpoint;
  readonly revision: Revision;
  readonly deployment: Deployment;
  readonly backend: Backend;
  readonly serving: Serving;
  readonly lease: Lease;
  readonly signal: AbortSignal;
}

/** Writes the record, and what `also` writes, if the lease is still ours. */
export async function save(
  seen: SeenEndpoint,
  record: EndpointRecord,
  also?: (tx: Transaction) => Promise<void>,
): Promise<void> {
  if (!record.changed && also === undefined) return;
  await seen.at.store.transaction(async (tx) => {
    await tx.assertLease(seen.lease);
    await record.save(tx);
    await also?.(tx);
  });
}

export function handleOf(endpoint: Endpoint): Handle | null {
  return endpoint.handle as unknown as Handle | null;
}

/** Ends in FAILED. The next look releases what still runs. */
export async function fail(
  seen: SeenEndpoint,
  record: EndpointRecord,
  reason: string,
): Promise<number> {
  const { deployment, revision } = seen;
  const other = deployment.activeRevisionId !== null && deployment.activeRevisionId !== revision.id;
  const failure = other
    ? `${reason} The revision that was active before goes on answering.`
    : reason;
  record.wait(null);
  record.patch({ failure });
  record.prove([]);
  record.move('FAILED', failure);
  await save(seen, record);
  return seen.at.ambient.now();
}

/** What never changes of a revision: the module, its version, the artifact. */
export async function servedBy(seen: SeenEndpoint): Promise<Served & { readonly module: Module }> {
  const { store } = seen.at;
  const { moduleVersionId, artifactId } = seen.revision;
  const version = await store.moduleVersions.get(moduleVersionId);
  const module = version && (await store.modules.get(version.moduleId));
  const artifact = artifactId === null ? null : await store.artifacts.get(artifactId);
  if (!version || !module) throw new Error(`Module version ${moduleVersionId} is gone.`);
  return { version, module, artifact };
}

/** Whether the same call cannot succeed later. */
export function isForGood(error: BackendError): boolean {
  return error.kind === 'Rejected' || error.kind === 'Unsupported';
}
