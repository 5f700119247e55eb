import type { V1Deployment, V1Pod } from './native.ts';
import type { Delivery } from '../contract/delivery.ts';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import type {
  InvokeRequest,
  InvokeResponse,
  ServiceRunner,
  ServiceStatus,
} from '../contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../contract/workload.ts';
import { assertWanted, isRefused } from './jobs.ts';
import { unopened } from './launcher.ts';
import { readPodLogs } from './logs.ts';
import { nativeName, paths } from './names.ts';
import {
  firstToServe,
  isListening,
  observeService,
  podOf,
  replicaId,
  serving,
} from './observe-service.ts';
import { pass } from './passing.ts';
import { ServerPool } from '../server-pool/server-pool.ts';
import type { PodServer } from './passing.ts';
import type { Site } from './site.ts';
import { notFound } from './site.ts';
import { translateService } from './translate.ts';

const replicasMaximum = 256;
/** How old the known servers may be before the next request looks for them anew. */
const freshMs = 5000;

interface Pool {
  readonly servers: ServerPool<PodServer>;
  refreshedAt: number;
}

export class KubernetesServices implements ServiceRunner {
  readonly #site: Site;
  /** By uid: a service that was made anew is another one. */
  readonly #pools = new Map<string, Pool>();

  constructor(site: Site) {
    this.#site = site;
  }

  async deploy(
    workload: ServiceWorkload,
    { key, signal }: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    const site = this.#site;
    site.assertOpen('deploy');
    checkReplicas(workload.replicas, 'deploy');
    const name = nativeName(key);
    const place = { name, kind: 'SERVICE' } as const;
    const manifest = (delivery: Delivery | null) =>
      translateService(workload, site.settings, { name, key, delivery });
    const wanted = manifest(unopened(site.settings));
    const there = await site.find<V1Deployment>('deploy', paths.deployments, name);
    if (there !== null) {
      const ours = await site.adopt('deploy', there, wanted.deployment, wanted.belongings);
      return site.handle('SERVICE', ours.metadata ?? {});
    }
    assertWanted(signal);
    await site.folders?.create(place, workload.inputs, site.surroundings.placeBlob, signal);
    assertWanted(signal);
    const { deployment, belongings } = manifest(await site.deliveries.open(place, workload));
    try {
      const made = await site.make('deploy', paths.deployments, deployment, belongings);
      return site.handle('SERVICE', made.metadata ?? {});
    } catch (error) {
      if (isRefused(error)) await site.forget('deploy', place).catch(() => null);
      throw error;
    }
  }

  async status(handle: Handle): Promise<ServiceStatus> {
    return this.#look(handle, 'status');
  }

  async *watch(handle: Handle, signal: AbortSignal): AsyncGenerator<ServiceStatus> {
    const site = this.#site;
    const name = site.nameIn(handle, 'SERVICE', 'watch');
    const wakes = site.wakes.listen(name, signal);
    try {
      for (let last = ''; !signal.aborted; await wakes.next(site.settings.pollMs)) {
        const status = await this.#look(handle, 'watch').catch((error: unknown) => {
          const isGone = error instanceof BackendError && error.kind === 'NotFound';
          if (isGone && last !== '') return null;
          throw error;
        });
        if (status === null) return;
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        last = text;
      }
    } finally {
      wakes.stop();
    }
  }

  async scale(handle: Handle, replicas: number): Promise<void> {
    const { metadata } = await this.#site.deployment(handle, 'scale');
    checkReplicas(replicas, 'scale');
    const { client } = this.#site;
    await client.call('scale', {
      method: 'PATCH',
      path: `${paths.deployments(await client.namespace())}/${metadata?.name ?? ''}/scale`,
      patch: 'merge',
      body: { spec: { replicas } },
    });
  }

  async invoke(
    handle: Handle,
    request: InvokeRequest,
    { deadline }: { readonly deadline: number },
  ): Promise<InvokeResponse> {
    this.#site.nameIn(handle, 'SERVICE', 'invoke');
    const { uid } = handle.native;
    let pool = typeof uid === 'string' ? this.#pools.get(uid) : undefined;
    const isFresh = performance.now() - (pool?.refreshedAt ?? -Infinity) < freshMs;
    if (pool === undefined || !isFresh || !pool.servers.has(request.replica)) {
      await this.#look(handle, 'invoke');
      pool = typeof uid === 'string' ? this.#pools.get(uid) : undefined;
    }
    if (pool === undefined) throw notFound('SERVICE', 'invoke');
    return pool.servers.invoke(request, deadline);
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const { metadata } = await this.#site.deployment(handle, 'logs');
    const pods = await this.#site.pods('logs', metadata?.name ?? '');
    yield* readPodLogs(this.#site, pods.toReversed(), options);
  }

  forget(uid: string): void {
    this.#pools.delete(uid);
  }

  /** Looks, and takes over who is ready to answer. */
  async #look(handle: Handle, operation: string): Promise<ServiceStatus> {
    const { settings } = this.#site;
    try {
      const deployment = await this.#site.deployment(handle, operation);
      const pods = await this.#site.pods(operation, deployment.metadata?.name ?? '');
      this.#takeOver(deployment.metadata?.uid ?? '', pods);
      const { giveUpAfter } = settings;
      const first = observeService({ deployment, pods, events: [], giveUpAfter });
      const pod = first.waiting === null ? undefined : firstToServe(pods);
      if (pod === undefined) return first;
      const events = await this.#site.events(operation, pod);
      return observeService({ deployment, pods, events, giveUpAfter });
    } catch (error) {
      const { uid } = handle.native;
      const isGone = error instanceof BackendError && error.kind === 'NotFound';
      if (isGone && typeof uid === 'string') this.forget(uid);
      throw error;
    }
  }

  #takeOver(uid: string, pods: readonly V1Pod[]): void {
    const pool = this.#pools.get(uid) ?? { servers: this.#open(), refreshedAt: 0 };
    this.#pools.set(uid, pool);
    pool.refreshedAt = performance.now();
    pool.servers.update(
      serving(pods)
        .filter(isListening)
        .map((pod) => ({ id: replicaId(pod), podIP: pod.status?.podIP ?? null })),
    );
  }

  #open(): ServerPool<PodServer> {
    const site = this.#site;
    return new ServerPool({
      now: () => site.surroundings.now(),
      patienceMs: site.settings.patienceMs,
      pass: (server, request, signal) => pass(site, server, request, signal),
      evict: (server) => void this.#evict(server),
      unreachable: 'TRUST',
    });
  }

  /** The cluster makes another pod in its place. */
  async #evict({ id }: PodServer): Promise<void> {
    const site = this.#site;
    const pod = podOf(id);
    site.surroundings.log('warn', `${site.name}: server ${id} did not answer and is replaced`);
    try {
      const path = `${paths.pods(await site.client.namespace())}/${pod}`;
      const body = { gracePeriodSeconds: 1 };
      await site.client.find('invoke', { method: 'DELETE', path, body });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      site.surroundings.log('warn', `${site.name}: server ${id} could not be removed: ${reason}`);
    }
  }
}

function checkReplicas(replicas: number, operation: string): void {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= replicasMaximum) return;
  const message = `The number of servers must be from 0 to ${replicasMaximum}.`;
  throw new BackendError('Rejected', operation, message);
}
