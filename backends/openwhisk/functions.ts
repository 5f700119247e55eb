import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../contract/error.ts';
import type { Delivery } from '../contract/delivery.ts';
import type {
  Answered,
  FunctionRunner,
  FunctionStart,
  FunctionStatus,
  Invocation,
  Lost,
} from '../contract/function-runner.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import type { InvokeRequest } from '../contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../contract/workload.ts';
import { argumentsOf, callOnce, lookUp } from './calls.ts';
import { parsed } from './client.ts';
import { refusal } from './errors.ts';
import { checkLimits, functionLimits } from './limits.ts';
import { readLogs } from './logs.ts';
import { actionPath, nativeName } from './names.ts';
import type { SeenAction } from './observe.ts';
import { actionOf } from './observe.ts';
import type { FunctionHandle, Site } from './site.ts';
import { notFound } from './site.ts';
import { assertDeliverable, needsDelivery, translate } from './translate.ts';

const longestPollMs = 5000;

/** One action for each deployed workload. */
export class OpenWhiskFunctions implements FunctionRunner {
  readonly #site: Site;

  constructor(site: Site) {
    this.#site = site;
  }

  async deploy(
    workload: ServiceWorkload,
    { key, signal }: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    const site = this.#site;
    site.assertOpen('deploy');
    const place = { name: nativeName(key), key };
    const { deliveries } = site.surroundings;
    const isDelivered = needsDelivery(workload);
    assertDeliverable(workload, deliveries);
    // What is wrong with the workload itself is said before anything is asked or opened.
    const { limits } = translate(workload, site.settings, key, isDelivered ? nowhere : null);
    const there = await site.find('deploy', place, signal);
    if (there !== null) return this.#handle(place, there);
    checkLimits(limits, await site.limits.read('deploy', signal));
    const delivery = isDelivered && deliveries !== null ? await this.#open(workload, key) : null;
    const request = translate(workload, site.settings, key, delivery);
    const answer = await site.client.answer('deploy', {
      method: 'PUT',
      path: actionPath(site.settings.namespace, place.name),
      query: { overwrite: 'false' },
      body: JSON.stringify(request),
      signal,
    });
    if (answer.status === 409) {
      const rival = await site.find('deploy', place, signal);
      if (rival !== null) return this.#handle(place, rival);
    }
    if (answer.status >= 300) throw refusal('deploy', answer.status, answer.text);
    const made = actionOf(parsed('deploy', answer));
    if (made === null) throw refusal('deploy', answer.status, answer.text);
    return this.#handle(place, made);
  }

  async status(handle: Handle): Promise<FunctionStatus> {
    const site = this.#site;
    const own = site.read(handle, 'status');
    const action = await site.find('status', own);
    if (action === null) throw notFound('status');
    const { version, updated, image, timeoutMs } = action;
    return {
      phase: 'READY',
      native: `${image} ${version}`,
      revision: `${version}@${updated}`,
      failure: null,
      limits: functionLimits(site.settings, await site.limits.read('status'), timeoutMs),
    };
  }

  async warm(
    handle: Handle,
    count: number,
    { deadline }: { readonly deadline: number },
  ): Promise<readonly FunctionStart[]> {
    const own = this.#site.read(handle, 'warm');
    if (!Number.isInteger(count) || count < 0 || count > 1000) {
      throw new BackendError('Rejected', 'warm', `${count} is no number of containers.`);
    }
    // One container answers one call at a time: only calls that overlap need several.
    const tries = Array.from({ length: count }, () => this.#warmOne(handle, own, deadline));
    const outcomes = await Promise.allSettled(tries);
    const starts = outcomes.flatMap((one) =>
      one.status === 'fulfilled' && one.value !== null ? [one.value] : [],
    );
    const failed = outcomes.find((one) => one.status === 'rejected');
    if (starts.length === 0 && failed !== undefined) throw failed.reason;
    return starts;
  }

  async invoke(
    handle: Handle,
    request: Omit<InvokeRequest, 'replica'>,
    { deadline }: { readonly deadline: number },
  ): Promise<Invocation> {
    const own = this.#site.read(handle, 'invoke');
    const body = argumentsOf(this.#site, request);
    return callOnce(this.#site, own, body, deadline, 'invoke');
  }

  async result(handle: Handle, ticket: string): Promise<Answered | Lost | null> {
    return lookUp(this.#site, this.#site.read(handle, 'result'), ticket);
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    yield* readLogs(this.#site, this.#site.read(handle, 'logs'), options);
  }

  #handle(place: { readonly name: string; readonly key: string }, action: SeenAction): Handle {
    const timeoutMs = action.timeoutMs ?? this.#site.settings.callTimeoutSeconds * 1000;
    return this.#site.handle({ ...place, timeoutMs });
  }

  #open(workload: ServiceWorkload, key: string): Promise<Delivery> | null {
    const lifetimeSeconds = this.#site.settings.deliveryLifetimeDays * 24 * 3600;
    const { deliveries } = this.#site.surroundings;
    return deliveries?.open(key, workload.inputs, { lifetimeSeconds }) ?? null;
  }

  /** Null when it was still starting at the deadline. */
  async #warmOne(
    handle: Handle,
    own: FunctionHandle,
    deadline: number,
  ): Promise<FunctionStart | null> {
    const { surroundings } = this.#site;
    let seen: Answered | Lost | null;
    try {
      const first = await callOnce(this.#site, own, '{}', deadline, 'warm');
      if (first.kind === 'ANSWER') return started(first);
      let pause = 250;
      for (seen = null; seen === null; seen = await this.result(handle, first.ticket)) {
        const left = deadline - surroundings.now();
        if (left <= 0) return null;
        await sleep(Math.min(pause, left), null, { signal: this.#site.closing }).catch(() => null);
        pause = Math.min(pause * 2, longestPollMs);
      }
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'DeadlineExceeded') return null;
      throw error;
    }
    return seen.kind === 'LOST' ? null : started(seen);
  }
}

const nowhere: Delivery = { url: '', token: '' };

/** The platform takes any answer for a success; a module that is well lists its versions. */
function started({ response, start }: Answered): FunctionStart {
  if (response.status < 500) return start;
  const message = `The module answered an empty call with ${response.status}: ${Buffer.from(response.body).toString('utf8').slice(0, 300)}`;
  throw new BackendError('Unexpected', 'warm', message);
}
