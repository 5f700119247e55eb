import { mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Controllers, deletePod } from './controllers.ts';
import type { FakeNode } from './controllers.ts';
import { answerFault, Faults, sendStatus } from './faults.ts';
import { Kubelet } from './kubelet.ts';
import { LostNode } from './lost-node.ts';
import { sendLog, sendProxied } from './nodes.ts';
import { Objects } from './objects.ts';
import type { Change, KubeObject } from './objects.ts';
import { invalidity } from './validation.ts';

export interface FakeKubernetesOptions {
  /** Claims of the namespace, with the folders that they are. */
  readonly claims: Readonly<Record<string, string>>;
  readonly node?: FakeNode;
  /** The version of Kueue's API; none without it. */
  readonly kueue?: 'v1beta1' | 'v1beta2';
  /** The entries of images, as commands of this machine. */
  readonly images?: Readonly<Record<string, readonly string[]>>;
  readonly quotaMessage?: string;
}

const kinds: Readonly<Record<string, string>> = {
  jobs: 'Job',
  pods: 'Pod',
  events: 'Event',
  secrets: 'Secret',
  configmaps: 'ConfigMap',
  services: 'Service',
  deployments: 'Deployment',
  workloads: 'Workload',
};

/**
 * An API server with one namespace and one node, which runs containers as processes of this machine. It behaves as the
 * observed shapes say: string bodies of errors, 204 for a log without a pod, 410 inside of a watch, orphans of a Job that
 * is deleted without a policy.
 */
export class FakeKubernetes {
  readonly objects = new Objects();
  readonly faults = new Faults();
  readonly token = 'a-token-of-the-fake';
  /** `METHOD path` of every request. */
  readonly requests: string[] = [];
  readonly #kubelet: Kubelet;
  readonly #controllers: Controllers;
  readonly #server: Server;
  readonly #folder: string;
  readonly #kueue: string | null;
  readonly #watches = new Set<ServerResponse>();
  readonly #lostNode: LostNode;
  #port = 0;

  private constructor(folder: string, options: FakeKubernetesOptions) {
    this.#folder = folder;
    this.#kueue = options.kueue ?? null;
    this.#kubelet = new Kubelet(this.objects, folder, options.claims, options.images ?? {});
    this.#controllers = new Controllers(this.objects, options.node ?? { gpus: 0, labels: {} });
    this.#lostNode = new LostNode(this.objects);
    this.objects.onChange((change) => setImmediate(() => this.#control(change)));
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) sendStatus(response, 500, 'InternalError', String(error));
      });
    });
  }

  static async start(options: FakeKubernetesOptions): Promise<FakeKubernetes> {
    const folder = await mkdtemp(join(tmpdir(), 'fathom-fake-kubernetes-'));
    const fake = new FakeKubernetes(folder, options);
    await fake.startAgain();
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What `kubectl get … -o yaml` shows of everything but the data of Secrets. */
  listing(): string {
    const all = Object.keys(kinds).flatMap((plural) =>
      this.objects
        .list(plural)
        .map((object) => (plural === 'secrets' ? { metadata: object.metadata } : object)),
    );
    return JSON.stringify(all);
  }

  /** As somebody with kubectl. */
  deletePod(name: string): void {
    deletePod(this.objects, name, null);
  }

  /** Nobody listens; the cluster goes on without it. */
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** At the same address. */
  async startAgain(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Its programs end and nobody tells; the cluster only notices that it does not hear of the node any more. */
  async loseNode(): Promise<void> {
    await this.#kubelet.fail();
    this.#controllers.isNodeAway = true;
    this.#lostNode.unseen();
  }

  /** When its pods have tolerated that for as long as they may. */
  evictFromLostNode(): void {
    this.#lostNode.evict();
  }

  /** Somebody takes the node out of the cluster: what was on it is over. */
  async removeLostNode(): Promise<void> {
    await this.#lostNode.collect();
  }

  /** It was started again, and finds none of the programs that it ran. */
  returnNode(): void {
    this.#controllers.isNodeAway = false;
    this.#lostNode.back();
    this.#kubelet.return();
    this.#controllers.schedule();
  }

  /** Every watch ends, as when the API server is started again. */
  cutWatches(): void {
    for (const response of this.#watches) response.destroy();
  }

  /** Versions so far are too old to watch from. */
  compact(): void {
    this.objects.compact();
    for (const response of this.#watches) {
      const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' };
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    }
  }

  async close(): Promise<void> {
    await this.#kubelet.close();
    await this.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #control({ plural, object }: Change): void {
    const { name } = object.metadata;
    if (plural === 'jobs') this.#controllers.job(name);
    if (plural === 'deployments') this.#controllers.deployment(name);
    if (plural !== 'pods') return;
    const there = this.objects.get('pods', name);
    if (there !== null) this.#kubelet.sync(there);
    for (const owner of object.metadata.ownerReferences ?? []) {
      if (owner.kind === 'Job') this.#controllers.job(owner.name);
      else this.#controllers.deployment(owner.name);
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.faults.isPartitioned) {
      request.socket.destroy();
      return;
    }
    this.requests.push(`${request.method} ${request.url}`);
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      sendStatus(response, 401, 'Unauthorized', 'Unauthorized');
      return;
    }
    const fault = this.faults.take(request);
    if (fault !== null && (await answerFault(fault, response))) return;
    if (fault?.kind.is === 'REPLY_LOST') {
      // Everything happens, and the connection breaks before a word of it is said.
      response.writeHead = () => response;
      response.end = () => {
        request.socket.destroy();
        return response;
      };
    }
    await this.#route(request, response);
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://fake');
    if (url.pathname === '/version') return send(response, { gitVersion: 'v1.36.0-fake' });
    if (url.pathname === '/api/v1/nodes') return send(response, { items: [node] });
    const match =
      /^\/apis?\/(?:[^/]+\/)?v\w+\/namespaces\/([^/]+)\/(\w+)(?:\/([^/]+))?(\/.*)?$/.exec(
        url.pathname,
      );
    const [, , plural = '', name = null, rest = ''] = match ?? [];
    const isKueue = plural === 'workloads';
    if (kinds[plural] === undefined || (isKueue && !url.pathname.includes(`/${this.#kueue}/`))) {
      response.writeHead(404, { 'content-type': 'text/plain' });
      response.end('404 page not found\n');
      return;
    }
    if (plural === 'pods' && rest === '/log') {
      const pod = this.objects.get('pods', name ?? '');
      if (pod === null) return this.#absent(response, plural, name);
      sendLog(response, this.#kubelet, pod, url.searchParams);
    } else if (plural === 'pods' && rest.startsWith('/proxy')) {
      const pod = (name ?? '').split(':')[0] ?? '';
      const port = this.#kubelet.portOf(pod);
      sendProxied(request, response, port, rest.slice('/proxy'.length) + url.search);
    } else if (name === null && request.method === 'GET') {
      if (url.searchParams.get('watch') === 'true') this.#watch(response, plural, url.searchParams);
      else this.#list(response, plural, url.searchParams);
    } else {
      await this.#change(request, response, { plural, name, rest }, url.searchParams);
    }
  }

  async #change(
    request: IncomingMessage,
    response: ServerResponse,
    { plural, name, rest }: { readonly plural: string; readonly name: string | null; rest: string },
    query: URLSearchParams,
  ): Promise<void> {
    const sent = await text(request);
    const body = (sent === '' ? {} : JSON.parse(sent)) as Record<string, unknown>;
    const there = name === null ? null : this.objects.get(plural, name);
    const isApply = request.headers['content-type'] === 'application/apply-patch+yaml';
    if (request.method === 'POST' && name === null) {
      this.#create(response, plural, body);
    } else if (request.method === 'PATCH' && isApply && name !== null) {
      if (query.get('fieldManager') === null) {
        sendStatus(response, 400, 'BadRequest', 'fieldManager is required for apply patch');
      } else if (there === null) this.#create(response, plural, body);
      else {
        send(
          response,
          this.objects.update(plural, name, (before) => merged(before, body)),
        );
      }
    } else if (there === null || name === null) {
      this.#absent(response, plural, name);
    } else if (request.method === 'GET') {
      send(response, there);
    } else if (request.method === 'PATCH') {
      const wanted = (body['metadata'] as { resourceVersion?: string } | undefined)
        ?.resourceVersion;
      if (wanted !== undefined && wanted !== there.metadata.resourceVersion) {
        const message = `Operation cannot be fulfilled on ${plural} "${name}": the object has been modified`;
        sendStatus(response, 409, 'Conflict', message);
        return;
      }
      // The scale of a Deployment has the same shape where it matters.
      if (rest === '' || rest === '/scale') {
        send(
          response,
          this.objects.update(plural, name, (before) => merged(before, body)),
        );
      }
    } else if (request.method === 'DELETE') {
      this.#delete(response, plural, there, body);
    } else sendStatus(response, 405, 'MethodNotAllowed', 'the server does not allow this method');
  }

  #create(response: ServerResponse, plural: string, body: Record<string, unknown>): void {
    const { name = '' } = (body['metadata'] ?? {}) as { name?: string };
    const why = invalidity(plural, body);
    if (why !== null) {
      sendStatus(response, 422, 'Invalid', `${kinds[plural]} "${name}" is invalid: ${why}`);
    } else if (this.objects.get(plural, name) !== null) {
      sendStatus(response, 409, 'AlreadyExists', `${plural} "${name}" already exists`);
    } else {
      const made = this.objects.create(plural, plural === 'jobs' ? { ...body, status: {} } : body);
      send(response, made, 201);
    }
  }

  #delete(
    response: ServerResponse,
    plural: string,
    object: KubeObject,
    body: Record<string, unknown>,
  ): void {
    const { name, uid } = object.metadata;
    const { preconditions, propagationPolicy, gracePeriodSeconds } = body as {
      preconditions?: { uid?: string };
      propagationPolicy?: string;
      gracePeriodSeconds?: number;
    };
    if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
      sendStatus(response, 409, 'Conflict', 'Precondition failed: UID in precondition');
      return;
    }
    if (plural === 'pods') deletePod(this.objects, name, gracePeriodSeconds ?? null);
    else {
      const pods = this.#controllers.podsOf(uid);
      this.objects.remove(plural, name);
      const isOrphaning = plural === 'jobs' && propagationPolicy === undefined;
      for (const { metadata } of pods) {
        if (isOrphaning) {
          this.objects.update('pods', metadata.name, (pod) => ({
            ...pod,
            metadata: { ...pod.metadata, ownerReferences: [] },
          }));
        } else deletePod(this.objects, metadata.name, null);
      }
    }
    // As the real one: the object, not a Status.
    send(response, object);
  }

  #list(response: ServerResponse, plural: string, query: URLSearchParams): void {
    const items = this.objects.list(plural).filter((object) => isSelected(object, query));
    const limit = Number(query.get('limit') ?? items.length);
    const metadata = { resourceVersion: String(this.objects.version) };
    send(response, { kind: `${kinds[plural]}List`, metadata, items: items.slice(0, limit) });
  }

  #watch(response: ServerResponse, plural: string, query: URLSearchParams): void {
    const from = Number(query.get('resourceVersion') ?? 0);
    const missed = this.objects.since(from);
    response.writeHead(200, { 'content-type': 'application/json' });
    const tell = (change: Change): void => {
      if (change.plural !== plural || !isSelected(change.object, query)) return;
      response.write(`${JSON.stringify({ type: change.type, object: change.object })}\n`);
    };
    if (missed === null) {
      const message = `too old resource version: ${from} (${this.objects.oldest})`;
      const status = { kind: 'Status', code: 410, reason: 'Expired', message };
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
      return;
    }
    for (const change of missed) tell(change);
    response.flushHeaders();
    const stop = this.objects.onChange(tell);
    this.#watches.add(response);
    response.once('close', () => {
      stop();
      this.#watches.delete(response);
    });
  }

  #absent(response: ServerResponse, plural: string, name: string | null): void {
    sendStatus(response, 404, 'NotFound', `${plural} "${name}" not found`);
  }
}

const node = {
  metadata: { name: 'node-0', labels: {} },
  spec: {},
  status: {
    allocatable: { cpu: '64', memory: '65536Mi' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
};

function send(response: ServerResponse, object: unknown, code = 200): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(object));
}

function isSelected({ metadata, ...object }: KubeObject, query: URLSearchParams): boolean {
  const involved = (object['involvedObject'] as { uid?: string } | undefined)?.uid;
  const field = /^involvedObject\.uid=(.*)$/.exec(query.get('fieldSelector') ?? '')?.[1];
  if (field !== undefined && involved !== field) return false;
  const parts = (query.get('labelSelector') ?? '').split(',').filter((part) => part !== '');
  return parts.every((part) => {
    const [name = '', value] = part.split('=');
    return metadata.labels?.[name] === value;
  });
}

/** RFC 7396; for the fields that we apply, server-side apply gives the same. */
function merged(before: KubeObject, patch: Record<string, unknown>): KubeObject {
  return merge(before, patch) as KubeObject;
}

function merge(before: unknown, patch: unknown): unknown {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> =
    before !== null && typeof before === 'object' && !Array.isArray(before) ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (key !== 'resourceVersion') result[key] = merge(result[key], value);
  }
  return result;
}
