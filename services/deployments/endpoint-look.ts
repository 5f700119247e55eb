import { BackendError } from '../../backends/contract/error.ts';
import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Look } from '../reconciler/look.ts';
import { Circuits } from '../sites/circuits.ts';
import type { Surroundings } from '../surroundings.ts';
import { backoff, waitingCodeOf } from '../training/backoff.ts';
import { EndpointRecord } from './endpoint-record.ts';
import { defaultTimings, type EndpointTimings } from './endpoint-timings.ts';
import { deploy, place } from './states/deploy.ts';
import { lost, observe } from './states/observe.ts';
import { fail, handleOf, isForGood, save, type SeenEndpoint } from './states/seen-endpoint.ts';
import { finishDeletion, isSettled, release, windDown } from './states/wind-down.ts';
import type { FunctionTimings } from './function-serving.ts';
import { Servings } from './servings.ts';
import type { Traffic } from './traffic.ts';
import { endpointWork } from './work-kinds.ts';

/** Brings an endpoint one step nearer to WARM, keeps it there, or takes it away: whichever its deployment wants. */
export class EndpointLook implements Look {
  readonly kind = endpointWork;
  readonly #at: Surroundings;
  readonly #traffic: Traffic;
  readonly #timings: EndpointTimings;
  readonly #servings: Servings;
  readonly #circuits: Circuits;

  constructor(
    at: Surroundings,
    traffic: Traffic,
    timings: Partial<EndpointTimings> = {},
    functions: Partial<FunctionTimings> = {},
  ) {
    this.#at = at;
    this.#traffic = traffic;
    this.#circuits = new Circuits(at.ambient);
    this.#servings = new Servings(at.ambient, functions);
    this.#timings = { ...defaultTimings, ...timings };
  }

  async look(key: string, lease: Lease, signal: AbortSignal): Promise<number | null> {
    const { store } = this.#at;
    const endpoint = await store.endpoints.get(key);
    if (endpoint === null) return null;
    const span = { name: `look ${this.kind}`, attributes: { 'fathom.endpoint.id': endpoint.id } };
    return this.#at.traces.goOn(endpoint.traceparent ?? null, span, () =>
      this.#look(endpoint, lease, signal),
    );
  }

  async #look(endpoint: Endpoint, lease: Lease, signal: AbortSignal): Promise<number | null> {
    const { store, backends } = this.#at;
    const [deployment, revision] = await Promise.all([
      store.deployments.get(endpoint.deploymentId),
      store.revisions.get(endpoint.revisionId),
    ]);
    if (deployment === null || revision === null)
      throw new Error(`${endpoint.id} belongs to nothing.`);
    if (!isWanted(deployment, revision) && isSettled(endpoint)) {
      await store.transaction(async (tx) => {
        await tx.assertLease(lease);
        await finishDeletion(tx, { at: this.#at, deployment });
      });
      return null;
    }
    const backend = backends.get(endpoint.backend);
    const serving = this.#servings.of(backend);
    if (backend === null || serving === null) return this.#backendGone(endpoint, deployment, lease);
    const seen: SeenEndpoint = {
      at: this.#at,
      timings: this.#timings,
      traffic: this.#traffic,
      endpoint,
      revision,
      deployment,
      backend,
      serving,
      lease,
      signal,
    };
    const shut = this.#circuits.enter(backend.name);
    if (shut?.onTrial && endpoint.waiting !== null) return shut.until;
    if (shut !== null) return this.#wait(seen, shut.error, shut.until);
    try {
      const next = await step(seen);
      this.#circuits.succeeded(backend.name);
      return next;
    } catch (error) {
      if (error instanceof BackendError) return this.#refused(seen, error);
      throw error;
    }
  }

  /** The backend did not do as asked: for good, or for now. Losing sight of it is not a state of the endpoint. */
  async #refused(seen: SeenEndpoint, error: BackendError): Promise<number | null> {
    const { at, endpoint, backend } = seen;
    const now = at.ambient.now();
    const record = new EndpointRecord(endpoint, now);
    const shut = this.#circuits.failed(backend.name, error);
    const wanted = isWanted(seen.deployment, seen.revision);
    if (wanted && endpoint.state !== 'FAILED') {
      if (isForGood(error)) {
        return fail(seen, record, `${backend.name} refused it: ${error.message}`);
      }
      if (error.kind === 'NotFound' && endpoint.handle !== null) {
        return lost(seen, record, `${backend.name} does not know it any more: ${error.message}`);
      }
    }
    const code = waitingCodeOf(error);
    const random = () => at.ambient.random();
    const delay = Math.max(error.retryAfterMs ?? 0, backoff(endpoint.waiting, code, now, random));
    return this.#wait(seen, error, Math.max(now + delay, shut?.until ?? 0));
  }

  /** Tells why nothing happens, and when it is tried again. */
  async #wait(seen: SeenEndpoint, error: BackendError, next: number): Promise<number> {
    const record = new EndpointRecord(seen.endpoint, seen.at.ambient.now());
    record.wait({
      code: waitingCodeOf(error),
      message: `${seen.backend.name}: ${error.message}`,
      nextAttemptAt: next,
      raw: `${error.kind} in ${error.operation}`,
    });
    await save(seen, record);
    return next;
  }

  /** What it runs cannot even be asked for: it stays as it is until the operator brings the backend back. */
  async #backendGone(
    endpoint: Endpoint,
    deployment: Deployment,
    lease: Lease,
  ): Promise<number | null> {
    if (endpoint.state === 'FAILED' && deployment.state === 'ACTIVE') return null;
    const now = this.#at.ambient.now();
    const next = now + this.#timings.backendRetryMs;
    const record = new EndpointRecord(endpoint, now);
    record.wait({
      code: 'NO_BACKEND',
      message: `The backend ${endpoint.backend} is not configured any more, or serves nothing.`,
      nextAttemptAt: null,
      raw: null,
    });
    if (record.changed) {
      await this.#at.store.transaction(async (tx) => {
        await tx.assertLease(lease);
        await record.save(tx);
      });
    }
    return next;
  }
}

/** What is wanted: the revision that answers, and the newest one. */
export function isWanted(
  deployment: Pick<Deployment, 'state' | 'activeRevisionId' | 'latestRevisionId'>,
  revision: Pick<Revision, 'id'>,
): boolean {
  if (deployment.state !== 'ACTIVE') return false;
  return [deployment.activeRevisionId, deployment.latestRevisionId].includes(revision.id);
}

async function step(seen: SeenEndpoint): Promise<number | null> {
  const { endpoint } = seen;
  if (!isWanted(seen.deployment, seen.revision)) return windDown(seen);
  const handle = handleOf(endpoint);
  switch (endpoint.state) {
    case 'COLD':
      return place(seen);
    case 'FAILED':
      return handle === null ? null : release(seen);
    case 'COOLING':
      return windDown(seen);
    case 'PLACED':
    case 'PULLING':
    case 'LOADING':
    case 'PROBING':
    case 'WARM':
      return handle === null ? deploy(seen) : observe(seen, handle);
  }
}
