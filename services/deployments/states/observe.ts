import type { ServiceStatus } from '../../../backends/contract/service-runner.ts';
import type { Handle } from '../../../backends/contract/workload.ts';
import { changedCode } from '../../modules/unchanged-code.ts';
import { EndpointRecord } from '../endpoint-record.ts';
import { fail, save, type SeenEndpoint, servedBy } from './seen-endpoint.ts';
import { keepWarm, proveAll } from './warmth.ts';

/** How often a look that changes nothing writes down that the backend was seen. */
const observedEveryMs = 10_000;

/** One look at servers that are wanted. */
export async function observe(seen: SeenEndpoint, handle: Handle): Promise<number | null> {
  const { at, serving, deployment, endpoint } = seen;
  if (endpoint.replicas !== deployment.replicas) {
    await serving.scale(handle, deployment.replicas);
  }
  const { replicas } = deployment;
  const status = await serving.status(handle, { replicas, proven: endpoint.provenReplicas });
  const now = at.ambient.now();
  const record = new EndpointRecord(endpoint, now);
  record.patch({
    replicas: deployment.replicas,
    nativeState: status.native,
    restarts: status.restarts,
  });
  if (endpoint.observedAt === null || now - endpoint.observedAt > observedEveryMs) {
    record.patch({ observedAt: now });
  }
  switch (status.phase) {
    case 'FAILED':
      return fail(seen, record, status.failure ?? 'The backend gave it up and did not say why.');
    case 'STOPPED':
      return lost(seen, record, `${seen.backend.name} says that its servers were stopped.`);
    case 'UNKNOWN':
      record.wait({
        code: 'UNKNOWN',
        message: `${seen.backend.name} calls its state ${status.native}.`,
        nextAttemptAt: null,
        raw: status.native,
      });
      await save(seen, record);
      return now + seen.timings.warmLookMs;
    case 'PENDING':
    case 'PULLING':
    case 'LOADING':
    case 'READY':
      return judge(seen, handle, record, status);
  }
}

/** The servers are gone although nobody here asked for that: they are started again, a bounded number of times. */
export async function lost(
  seen: SeenEndpoint,
  record: EndpointRecord,
  reason: string,
): Promise<number> {
  const { endpoint, timings } = seen;
  const setbacks = endpoint.setbacks + 1;
  record.patch({ setbacks });
  if (setbacks >= timings.tries) {
    return fail(seen, record, `Its servers went away ${setbacks} times in a row. ${reason}`);
  }
  await seen.backend.release(endpoint.handle as unknown as Handle).catch(() => undefined);
  const { version } = await servedBy(seen);
  const changed = await changedCode(version);
  if (changed !== null) {
    record.patch({ handle: null });
    return fail(seen, record, `${reason} They are not started again: ${changed}`);
  }
  record.patch({ handle: null });
  record.prove([]);
  record.move('LOADING', reason);
  record.wait({ code: 'DISPATCHING', message: reason, nextAttemptAt: null, raw: null });
  await save(seen, record);
  return seen.at.ambient.now() + timings.warmingLookMs;
}

async function judge(
  seen: SeenEndpoint,
  handle: Handle,
  record: EndpointRecord,
  status: ServiceStatus,
): Promise<number> {
  const { endpoint, timings, at } = seen;
  const ready = status.replicas.filter(({ phase }) => phase === 'READY').map(({ id }) => id);
  record.prove(endpoint.provenReplicas.filter((id) => ready.includes(id)));
  const proven = record.endpoint.provenReplicas.length;
  if (endpoint.state === 'WARM' && proven > 0) return keepWarm(seen, handle, record, ready);
  // The first time all of them must answer; an endpoint that lost its servers serves again with the first one.
  const needed = endpoint.warmth === null ? record.endpoint.replicas : 1;
  if (ready.length >= needed) return proveAll(seen, handle, record, ready);
  const wasWarm = endpoint.state === 'WARM' || endpoint.state === 'PROBING';
  const why = wasWarm ? (status.failure ?? 'Its servers ended or were replaced.') : null;
  if (status.phase === 'PULLING') record.move('PULLING', null);
  else if (status.phase !== 'PENDING' || wasWarm) record.move('LOADING', why);
  record.wait({
    code: status.waiting?.code ?? (status.phase === 'PULLING' ? 'PULLING_IMAGE' : 'STARTING'),
    message:
      status.waiting?.message ??
      status.failure ??
      `${ready.length} of ${record.endpoint.replicas} servers are ready.`,
    nextAttemptAt: null,
    raw: status.waiting?.raw ?? null,
  });
  await save(seen, record);
  return at.ambient.now() + timings.warmingLookMs;
}
