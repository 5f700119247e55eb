import type { CoreV1Event, V1Deployment, V1Job, V1ObjectMeta, V1Pod } from './native.ts';
import type { BackendSurroundings } from '../contract/definition.ts';
import { BackendError } from '../contract/error.ts';
import type { Handle } from '../contract/workload.ts';
import { KubernetesClient, parsed } from './client.ts';
import type { KubernetesSettings } from './config.ts';
import { SiteDeliveries } from './deliveries.ts';
import { refusal } from './errors.ts';
import { SharedFolders } from './folders.ts';
import { annotations, isNativeName, labels, manager, paths } from './names.ts';
import type { Belongings } from './translate.ts';
import { timeOf } from './times.ts';
import type { PodPlace } from './work-volumes.ts';
import { Wakes } from './wakes.ts';

type Kind = 'JOB' | 'SERVICE';

/** What jobs and services share: the client, what is ours, and how a native object is made once. */
export class Site {
  readonly name: string;
  readonly settings: KubernetesSettings;
  readonly surroundings: BackendSurroundings;
  readonly client: KubernetesClient;
  readonly wakes: Wakes;
  readonly folders: SharedFolders | null;
  readonly deliveries: SiteDeliveries;
  readonly #closing = new AbortController();

  constructor(name: string, settings: KubernetesSettings, surroundings: BackendSurroundings) {
    this.name = name;
    this.settings = settings;
    this.surroundings = surroundings;
    this.client = new KubernetesClient(settings, this.#closing.signal, surroundings.traceparent);
    this.wakes = new Wakes(this.client, this.#closing.signal);
    const { sharedFolder } = settings;
    this.folders = sharedFolder === null ? null : new SharedFolders(sharedFolder.path);
    this.deliveries = new SiteDeliveries(settings, surroundings);
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  close(): void {
    this.#closing.abort();
  }

  assertOpen(operation: string): void {
    if (!this.#closing.signal.aborted) return;
    throw new BackendError('Closed', operation, 'This backend was closed.');
  }

  /** The name in a handle of ours, or NotFound. */
  nameIn(handle: Handle, kind: Kind, operation: string): string {
    this.assertOpen(operation);
    const { name } = handle.native;
    if (handle.backend === this.name && handle.native['kind'] === kind && isNativeName(name)) {
      return name;
    }
    throw notFound(kind, operation);
  }

  async job(handle: Handle, operation: string): Promise<V1Job> {
    const name = this.nameIn(handle, 'JOB', operation);
    const job = await this.find<V1Job>(operation, paths.jobs, name);
    if (job === null || job.metadata?.uid !== handle.native['uid'])
      throw notFound('JOB', operation);
    return job;
  }

  async deployment(handle: Handle, operation: string): Promise<V1Deployment> {
    const name = this.nameIn(handle, 'SERVICE', operation);
    const found = await this.find<V1Deployment>(operation, paths.deployments, name);
    if (found === null || found.metadata?.uid !== handle.native['uid']) {
      throw notFound('SERVICE', operation);
    }
    return found;
  }

  async find<T>(
    operation: string,
    pathOf: (namespace: string) => string,
    name: string,
  ): Promise<T | null> {
    const path = `${pathOf(await this.client.namespace())}/${name}`;
    return this.client.find<T>(operation, { method: 'GET', path });
  }

  /** Newest first. */
  async pods(operation: string, name: string): Promise<readonly V1Pod[]> {
    const path = paths.pods(await this.client.namespace());
    const query = { labelSelector: `${labels.name}=${name}` };
    const list = await this.client.call<{ items?: V1Pod[] }>(operation, {
      method: 'GET',
      path,
      query,
    });
    return (list.items ?? []).toSorted((a, b) => madeAt(b) - madeAt(a));
  }

  handle(kind: Kind, { name = '', uid = '' }: V1ObjectMeta): Handle {
    return { backend: this.name, version: 1, native: { kind, name, uid } };
  }

  /** Makes the object, or finds the one that is there; its Secret and the like exist before, and belong to it afterwards. */
  async make<T extends V1Job | V1Deployment>(
    operation: string,
    pathOf: (namespace: string) => string,
    object: T,
    belongings: Belongings,
  ): Promise<T> {
    const path = pathOf(await this.client.namespace());
    await this.#apply(operation, belongings);
    const answer = await this.client.answer(operation, { method: 'POST', path, body: object });
    if (answer.status === 409) {
      const there = await this.find<T>(operation, pathOf, object.metadata?.name ?? '');
      if (there !== null) return this.adopt(operation, there, object, belongings);
    }
    if (answer.status >= 300) {
      throw refusal(operation, answer.status, answer.headers, answer.text);
    }
    const made = parsed<T>(operation, answer);
    await this.#own(operation, made, object, belongings);
    return made;
  }

  /** The object that is there, when it is ours by its key. Whoever made it may have ended before it owned anything. */
  async adopt<T extends V1Job | V1Deployment>(
    operation: string,
    there: T,
    wanted: T,
    belongings: Belongings,
  ): Promise<T> {
    const { name, annotations: notes } = wanted.metadata ?? {};
    const isOurs =
      there.metadata?.labels?.[labels.managed] === manager &&
      there.metadata.annotations?.[annotations.key] === notes?.[annotations.key];
    if (!isOurs) {
      const message = `There is something else of the name ${name ?? ''} in the cluster.`;
      throw new BackendError('Rejected', operation, message);
    }
    await this.#own(operation, there, wanted, belongings);
    return there;
  }

  /** Everything about it that is not its native object, which is gone or was refused. */
  async forget(operation: string, place: PodPlace): Promise<void> {
    await this.removeBelongings(operation, place.name);
    await this.folders?.remove(place);
    await this.deliveries.release(place);
  }

  /** What the cluster tells people about it; none where we have no right to read that. */
  async events(
    operation: string,
    { metadata }: V1Pod | V1Job | V1Deployment,
  ): Promise<readonly CoreV1Event[]> {
    const list = await this.client
      .call<{ items?: CoreV1Event[] }>(operation, {
        method: 'GET',
        path: paths.events(await this.client.namespace()),
        query: { fieldSelector: `involvedObject.uid=${metadata?.uid ?? ''}` },
      })
      // Reading events is a right of its own, and the state is known without them.
      .catch((error: unknown) => {
        if (error instanceof BackendError && error.kind === 'Unauthorized') return { items: [] };
        throw error;
      });
    return list.items ?? [];
  }

  /** Secret, ConfigMap and Service of that name; what is not there is gone already. */
  async removeBelongings(operation: string, name: string): Promise<void> {
    for (const pathOf of [paths.secrets, paths.configMaps, paths.services]) {
      const path = `${pathOf(await this.client.namespace())}/${name}`;
      await this.client.find(operation, { method: 'DELETE', path });
    }
  }

  async #apply(operation: string, belongings: Belongings): Promise<void> {
    const namespace = await this.client.namespace();
    for (const [pathOf, object] of each(belongings)) {
      await this.client.call(operation, {
        method: 'PATCH',
        path: `${pathOf(namespace)}/${object.metadata?.name ?? ''}`,
        query: { fieldManager: manager, force: 'true' },
        patch: 'apply',
        body: object,
      });
    }
  }

  /** When the owner goes, by whomever, they go too. */
  async #own<T extends V1Job | V1Deployment>(
    operation: string,
    { metadata }: T,
    { apiVersion, kind }: T,
    belongings: Belongings,
  ): Promise<void> {
    const namespace = await this.client.namespace();
    const owner = { apiVersion, kind, name: metadata?.name, uid: metadata?.uid };
    for (const [pathOf, object] of each(belongings)) {
      await this.client.find(operation, {
        method: 'PATCH',
        path: `${pathOf(namespace)}/${object.metadata?.name ?? ''}`,
        patch: 'merge',
        body: { metadata: { ownerReferences: [owner] } },
      });
    }
  }
}

function each({ secret, configMap, service }: Belongings) {
  const all = [
    [paths.secrets, secret],
    [paths.configMaps, configMap],
    [paths.services, service],
  ] as const;
  return all.flatMap(([pathOf, object]) => (object === null ? [] : [[pathOf, object] as const]));
}

export function notFound(kind: Kind, operation: string): BackendError {
  const what = kind === 'JOB' ? 'job' : 'service';
  return new BackendError('NotFound', operation, `The cluster has no such ${what}.`);
}

function madeAt(pod: V1Pod): number {
  return timeOf(pod.metadata?.creationTimestamp) ?? 0;
}
