import { isJsonObject } from '../../domain/json.ts';
import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import type {
  InvokeRequest,
  InvokeResponse,
  ServiceRunner,
  ServiceStatus,
} from '../contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../contract/workload.ts';
import { ServerPool } from '../server-pool/server-pool.ts';
import { refusal } from './errors.ts';
import {
  assertDataCanCome,
  deliveryGraceSeconds,
  isDelivered,
  openDelivery,
  placeholder,
} from './jobs.ts';
import { lastLines, readLogs } from './logs.ts';
import { nativeName } from './names.ts';
import type { NativeAllocation, NativeDeployment, NativeJob, NativePort } from './native.ts';
import type { ServiceFacts } from './observe-service.ts';
import {
  allocationOf,
  failingOf,
  isRunning,
  observeService,
  replicaId,
  serving,
} from './observe-service.ts';
import type { NomadServer } from './passing.ts';
import { listens, pass } from './passing.ts';
import type { Site } from './site.ts';
import { assertWanted, isRefused, notFound } from './site.ts';
import { dataPathOf } from './task.ts';
import { groupName, taskName, translateService } from './translate.ts';
import { portLabel } from './words.ts';

const replicasMaximum = 256;
/** How old the known servers may be before the next request looks for them anew. */
const freshMs = 5000;
const lookAgainMs = 200;
const scaleAttempts = 20;

interface Pool {
  readonly servers: ServerPool<NomadServer>;
  /** Addresses never change for an allocation. By its id. */
  readonly origins: Map<string, string>;
  /** Those that listened once, by id. */
  readonly known: Set<string>;
  refreshedAt: number;
}

export class NomadServices implements ServiceRunner {
  readonly #site: Site;
  /** By mark: a service that was made anew is another one. */
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
    const { deliveries, placeBlob } = site.surroundings;
    const data = dataPathOf('SERVICE', workload.program, site.settings, deliveries !== null);
    assertDataCanCome(data, workload);
    const place = { name, kind: 'SERVICE', data } as const;
    const order = { ...place, key, mark: site.newMark() };
    const checked = { ...order, delivery: placeholder(data) };
    const { job } = translateService(workload, site.settings, checked);
    const there = await site.find('deploy', name);
    if (there !== null) return site.handle('SERVICE', name, site.adopt('deploy', there, job.Meta));
    assertWanted(signal);
    await site.folders?.create(place, workload.inputs, placeBlob, signal);
    const delivery = isDelivered(data)
      ? await openDelivery(site, name, workload, 100 * deliveryGraceSeconds)
      : null;
    assertWanted(signal);
    try {
      const request = translateService(workload, site.settings, { ...order, delivery });
      return site.handle('SERVICE', name, await site.make('deploy', request));
    } catch (error) {
      if (isRefused(error)) {
        await site.folders?.remove(place);
        if (delivery !== null) await deliveries?.release(name);
      }
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
      for (let last = ''; !signal.aborted;) {
        const status = await this.#look(handle, 'watch').catch((error: unknown) => {
          const isGone = error instanceof BackendError && error.kind === 'NotFound';
          if (isGone && last !== '') return null;
          throw error;
        });
        if (status === null) return;
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        last = text;
        // Nomad does not say when a program begins to listen.
        const isLoading = status.replicas.some(({ phase }) => phase === 'LOADING');
        await wakes.next(
          isLoading ? Math.min(lookAgainMs, site.settings.pollMs) : site.settings.pollMs,
        );
      }
    } finally {
      wakes.stop();
    }
  }

  /** As an order to scale; while a deployment goes on Nomad takes none, and the job is registered with another count. */
  async scale(handle: Handle, replicas: number): Promise<void> {
    const site = this.#site;
    await site.job(handle, 'SERVICE', 'scale');
    checkReplicas(replicas, 'scale');
    for (let attempt = 0; attempt < scaleAttempts; attempt++) {
      const job = await site.job(handle, 'SERVICE', 'scale');
      if (job.TaskGroups?.[0]?.Count === replicas) return;
      if (await this.#scaled(job, replicas)) return;
      if (await this.#registered(job, replicas)) return;
    }
    const message = 'The service changes faster than it can be scaled; try again.';
    throw new BackendError('Unavailable', 'scale', message);
  }

  async invoke(
    handle: Handle,
    request: InvokeRequest,
    { deadline }: { readonly deadline: number },
  ): Promise<InvokeResponse> {
    const { mark } = this.#site.place(handle, 'SERVICE', 'invoke');
    let pool = this.#pools.get(mark);
    const isFresh = performance.now() - (pool?.refreshedAt ?? -Infinity) < freshMs;
    if (pool === undefined || !isFresh || !pool.servers.has(request.replica)) {
      await this.#look(handle, 'invoke');
      pool = this.#pools.get(mark);
    }
    if (pool === undefined) throw notFound('SERVICE', 'invoke', 'it was released');
    return pool.servers.invoke(request, deadline);
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const job = await this.#site.job(handle, 'SERVICE', 'logs');
    yield* readLogs(this.#site, await this.#site.allocations('logs', job), options);
  }

  forget(mark: string): void {
    this.#pools.delete(mark);
  }

  /** Looks, and takes over who is ready to answer. */
  async #look(handle: Handle, operation: string): Promise<ServiceStatus> {
    const site = this.#site;
    const { mark } = site.place(handle, 'SERVICE', operation);
    try {
      const job = await site.job(handle, 'SERVICE', operation);
      const allocations = await site.allocations(operation, job);
      const isStopped = job.Stop === true || (job.TaskGroups?.[0]?.Count ?? 0) === 0;
      // Those that are still to be ended are asked nothing.
      const candidates = isStopped ? [] : allocations;
      const servers = await this.#listening(mark, candidates, operation);
      const facts: ServiceFacts = {
        job,
        allocations,
        evaluations: serving(allocations).length > 0 ? [] : await site.evaluations(operation, job),
        deployment: servers.length > 0 ? null : await this.#deployment(job, operation),
        listening: new Set(servers.map(({ id }) => id)),
        giveUpAfter: site.settings.giveUpAfter,
      };
      const status = observeService(facts);
      const failing = status.failure === null ? null : failingOf(facts);
      if (failing === null) return status;
      const lines = await lastLines(site, failing, operation);
      if (lines.length === 0) return status;
      return { ...status, failure: `${status.failure} Its last lines:\n${lines.join('\n')}` };
    } catch (error) {
      if (error instanceof BackendError && error.kind === 'NotFound') this.forget(mark);
      throw error;
    }
  }

  /** Those that listen now; the pool has them from here on. */
  async #listening(
    mark: string,
    allocations: readonly NativeAllocation[],
    operation: string,
  ): Promise<readonly NomadServer[]> {
    const pool = this.#pools.get(mark) ?? this.#open();
    const running = serving(allocations).filter(isRunning);
    const found = await Promise.all(
      running.map(async (allocation) => {
        const origin =
          pool.origins.get(allocation.ID) ?? (await this.#originOf(allocation.ID, operation));
        if (origin === null) return null;
        pool.origins.set(allocation.ID, origin);
        const server = { id: replicaId(allocation), origin };
        if (!(await listens(server, pool.known.has(server.id)))) return null;
        pool.known.add(server.id);
        return server;
      }),
    );
    const servers = found.filter((server) => server !== null);
    this.#site.assertOpen(operation);
    this.#pools.set(mark, pool);
    pool.refreshedAt = performance.now();
    pool.servers.update(servers);
    return servers;
  }

  async #originOf(id: string, operation: string): Promise<string | null> {
    const { allocations } = await this.#site.client.modules(operation);
    const { AllocatedResources } = await allocations.get(id);
    const ports: readonly NativePort[] = AllocatedResources?.Shared?.Ports ?? [];
    const port = ports.find(({ Label }) => Label === portLabel);
    if (port?.Value === undefined) return null;
    const ip = port.HostIP ?? '127.0.0.1';
    return this.#site.settings.serverAddress
      .replaceAll('{ip}', ip.includes(':') ? `[${ip}]` : ip)
      .replaceAll('{port}', String(port.Value))
      .replace(/\/$/, '');
  }

  async #deployment(job: NativeJob, operation: string): Promise<NativeDeployment | null> {
    const { jobs } = await this.#site.client.modules(operation);
    const all = (await jobs.deployments(job.ID)) ?? [];
    const ours = all.filter(({ CreateIndex }) => (CreateIndex ?? 0) >= (job.CreateIndex ?? 0));
    return ours.toSorted((a, b) => (a.CreateIndex ?? 0) - (b.CreateIndex ?? 0)).at(-1) ?? null;
  }

  /** False when Nomad takes no order to scale now. */
  async #scaled(job: NativeJob, replicas: number): Promise<boolean> {
    const { jobs } = await this.#site.client.modules('scale');
    try {
      await jobs.scale(job.ID, groupName, replicas);
      return true;
    } catch (error) {
      const isBlocked =
        error instanceof BackendError && /active deployment|enforcing job/i.test(error.message);
      if (isBlocked) return false;
      throw error;
    }
  }

  /** False when somebody else changed it meanwhile. */
  async #registered({ ID, JobModifyIndex = 0 }: NativeJob, replicas: number): Promise<boolean> {
    const { client } = this.#site;
    const whole = await client.read<unknown>('scale', { method: 'GET', path: `/v1/job/${ID}` });
    const groups = isJsonObject(whole) ? whole['TaskGroups'] : null;
    if (!isJsonObject(whole) || !Array.isArray(groups)) return false;
    if (whole['JobModifyIndex'] !== JobModifyIndex) return false;
    const counted = groups.map((group) =>
      isJsonObject(group) && group['Name'] === groupName ? { ...group, Count: replicas } : group,
    );
    const answer = await client.register(
      'scale',
      { ...whole, TaskGroups: counted },
      JobModifyIndex,
    );
    if (answer.status < 300) return true;
    if (/enforcing job modify index/i.test(answer.text)) return false;
    throw refusal('scale', answer);
  }

  #open(): Pool {
    const site = this.#site;
    const servers = new ServerPool<NomadServer>({
      now: () => site.surroundings.now(),
      patienceMs: site.settings.patienceMs,
      pass: (server, request, signal) => pass(site, server, request, signal),
      evict: (server) => void this.#evict(server),
      unreachable: 'TRUST',
    });
    return { servers, origins: new Map(), known: new Set(), refreshedAt: 0 };
  }

  /** Its node starts it again, in the same place. */
  async #evict({ id }: NomadServer): Promise<void> {
    const site = this.#site;
    site.surroundings.log('warn', `${site.name}: server ${id} did not answer and is started again`);
    try {
      const { allocations } = await site.client.modules('invoke');
      await allocations.restart(allocationOf(id), { TaskName: taskName });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      site.surroundings.log('warn', `${site.name}: server ${id} could not be restarted: ${reason}`);
    }
  }
}

function checkReplicas(replicas: number, operation: string): void {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= replicasMaximum) return;
  const message = `The number of servers must be from 0 to ${replicasMaximum}.`;
  throw new BackendError('Rejected', operation, message);
}
