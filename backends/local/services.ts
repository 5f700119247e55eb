import { BackendError } from '../contract/error.ts';
import type { LogChunk } from '../contract/job-runner.ts';
import type {
  InvokeRequest,
  InvokeResponse,
  ServiceRunner,
  ServiceStatus,
} from '../contract/service-runner.ts';
import type { Handle, ServiceWorkload } from '../contract/workload.ts';
import { assertOffered } from './allocation.ts';
import { currentClaim } from './control/claim.ts';
import type { ServiceGrant, ServiceStateRecord, ServiceWish } from './control/record.ts';
import { isInnerPath } from '../work-folder/inputs.ts';
import { newRecord } from './launch-record.ts';
import { readLog } from '../work-folder/log-reader.ts';
import { observeService } from './observe.ts';
import { Replicas } from './replicas.ts';
import type { Site } from './site.ts';
import { isNativeName, nativeName, translateService } from './translate.ts';

const replicasMaximum = 256;

export class LocalServices implements ServiceRunner {
  readonly #site: Site;
  readonly #pools = new Map<string, Replicas>();

  constructor(site: Site) {
    this.#site = site;
    site.onServiceChange = (name) => this.#refresh(name);
  }

  async deploy(
    workload: ServiceWorkload,
    options: { readonly key: string; readonly signal: AbortSignal },
  ): Promise<Handle> {
    const site = this.#site;
    site.assertOpen('deploy');
    checkReplicas(workload.replicas, 'deploy');
    const { artifactFolder } = workload;
    if (artifactFolder !== null && !isInnerPath(artifactFolder)) {
      const path = JSON.stringify(artifactFolder);
      throw new BackendError('Rejected', 'deploy', `The artifact folder ${path} is not allowed.`);
    }
    const name = nativeName(options.key);
    const launch = translateService(
      workload,
      site.settings,
      site.client.workFolder('SERVICE', name),
    );
    if (!site.client.has('SERVICE', name)) {
      assertOffered(site.scheduler, workload.resources, 'deploy');
      const wanted: ServiceWish = { replicas: workload.replicas, evicted: [], released: false };
      await site.client.create(newRecord(site, 'SERVICE', options.key, workload, launch), {
        inputs: workload.inputs,
        files: [{ file: 'wanted', value: wanted }],
        placeBlob: site.surroundings.placeBlob,
        signal: options.signal,
      });
      site.assertOpen('deploy');
    }
    const handle = site.handle('SERVICE', name);
    const record = site.find(handle, 'SERVICE', 'deploy');
    site.enter(record, workload.secrets);
    site.schedule();
    site.finishStart(record);
    if (record.launch.secretNames.length > 0) await site.launch(record);
    return handle;
  }

  async status(handle: Handle): Promise<ServiceStatus> {
    const { client, scheduler } = this.#site;
    const record = this.#site.find(handle, 'SERVICE', 'status');
    const { name } = record;
    const claim = currentClaim(client.folder('SERVICE', name));
    const supervisorAlive = claim?.alive === true;
    const isStranded = !supervisorAlive && !this.#site.canLaunch(record);
    return observeService({
      wish: this.#wish(name),
      grant: (client.read('SERVICE', name, 'grant') as ServiceGrant | null | undefined) ?? null,
      state: this.#state(name),
      supervisorAlive,
      stranded: isStranded ? stranded : null,
      queued: scheduler.waiting(record),
    });
  }

  async *watch(handle: Handle, signal: AbortSignal): AsyncGenerator<ServiceStatus> {
    const site = this.#site;
    const record = site.find(handle, 'SERVICE', 'watch');
    const rings = site.bell.listen(site.bellName(record), signal);
    try {
      for (let last = ''; !signal.aborted; await rings.next(1000)) {
        site.assertOpen('watch');
        if (!site.client.has('SERVICE', record.name)) return;
        const status = await this.status(handle);
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        last = text;
      }
    } finally {
      rings.stop();
    }
  }

  async scale(handle: Handle, replicas: number): Promise<void> {
    const { name } = this.#site.find(handle, 'SERVICE', 'scale');
    checkReplicas(replicas, 'scale');
    this.#changeWish(name, (wish) => ({ ...wish, replicas }));
    this.#site.schedule();
    this.#site.client.ringSupervisor('SERVICE', name);
  }

  async invoke(
    handle: Handle,
    request: InvokeRequest,
    options: { readonly deadline: number },
  ): Promise<InvokeResponse> {
    this.#site.assertOpen('invoke');
    const { name } = handle.native;
    // The record is looked for only when nothing is known yet: this is the path of every prediction.
    const known = handle.backend === this.#site.name && typeof name === 'string';
    let pool = known && handle.native['kind'] === 'SERVICE' ? this.#pools.get(name) : undefined;
    if (pool === undefined) {
      const record = this.#site.find(handle, 'SERVICE', 'invoke');
      pool = this.#open(record.name);
    }
    if (!pool.isReady && isNativeName(name)) this.#refresh(name);
    return pool.invoke(request, options.deadline);
  }

  async *logs(
    handle: Handle,
    options: { readonly after: string | null; readonly signal: AbortSignal },
  ): AsyncGenerator<LogChunk> {
    const { name } = this.#site.find(handle, 'SERVICE', 'logs');
    const folder = `${this.#site.client.folder('SERVICE', name)}/log`;
    for await (const chunk of readLog(folder, options.after, options.signal)) {
      this.#site.assertOpen('logs');
      yield chunk;
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) pool.close();
    this.#pools.clear();
  }

  forget(name: string): void {
    this.#pools.get(name)?.close();
    this.#pools.delete(name);
  }

  /** Marks it as released: its servers are stopped and nothing starts any more. */
  wishEnd(name: string): void {
    this.#changeWish(name, (wish) => ({ ...wish, released: true }));
    this.#site.client.ringSupervisor('SERVICE', name);
  }

  #open(name: string): Replicas {
    const { surroundings, settings } = this.#site;
    const pool = new Replicas({
      now: () => surroundings.now(),
      patienceMs: settings.patienceMs,
      answerLimitBytes: settings.answerLimitMiB * 1024 * 1024,
      evict: (replica) => this.#evict(name, replica),
    });
    this.#pools.set(name, pool);
    this.#refresh(name);
    return pool;
  }

  #refresh(name: string): void {
    const pool = this.#pools.get(name);
    if (pool === undefined || this.#site.closed) return;
    if (!this.#site.client.has('SERVICE', name)) this.forget(name);
    else pool.update(this.#state(name)?.replicas ?? []);
  }

  #evict(name: string, replica: string): void {
    if (this.#site.closed || !this.#site.client.has('SERVICE', name)) return;
    const message = `${this.#site.name}: server ${replica} of ${name} did not answer and is replaced`;
    this.#site.surroundings.log('warn', message);
    const alive = new Set(this.#state(name)?.replicas.map(({ id }) => id));
    this.#changeWish(name, (wish) => ({
      ...wish,
      evicted: [...new Set([...wish.evicted.filter((id) => alive.has(id)), replica])],
    }));
    this.#site.client.ringSupervisor('SERVICE', name);
  }

  #changeWish(name: string, change: (wish: ServiceWish) => ServiceWish): void {
    const { client } = this.#site;
    const apply = (): true => {
      client.replace('SERVICE', name, 'wanted', change(this.#wish(name)));
      return true;
    };
    if (client.locked(apply) === null) {
      throw new BackendError('Unavailable', 'write', 'Another process is writing; try again.');
    }
  }

  #wish(name: string): ServiceWish {
    const wish = this.#site.client.read('SERVICE', name, 'wanted');
    return (wish as ServiceWish | null | undefined) ?? noWish;
  }

  #state(name: string): ServiceStateRecord | null {
    const state = this.#site.client.read('SERVICE', name, 'state');
    return (state as ServiceStateRecord | null | undefined) ?? null;
  }
}

const noWish: ServiceWish = { replicas: 0, evicted: [], released: true };

const stranded =
  'Its supervisor is gone, and with it the secrets, which are never stored: deploy it again to start it.';

function checkReplicas(replicas: number, operation: string): void {
  if (Number.isInteger(replicas) && replicas >= 0 && replicas <= replicasMaximum) return;
  const message = `The number of servers must be from 0 to ${replicasMaximum}.`;
  throw new BackendError('Rejected', operation, message);
}
