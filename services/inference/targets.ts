import type { Deployment, Endpoint, Revision } from '../../domain/deployment.ts';
import type { ModuleVersion } from '../../domain/module.ts';
import { type ModuleRoutes, routesOf } from '../deployments/module-api.ts';
import type { Surroundings } from '../surroundings.ts';

/** Where the calls to a deployment go now: to the active revision, or to the newest while none was ever active. */
export interface Target {
  readonly deployment: Deployment;
  readonly revision: Revision;
  readonly endpoint: Endpoint;
  readonly version: ModuleVersion;
  readonly routes: ModuleRoutes;
}

interface Entry {
  readonly target: Promise<Target | null>;
  readonly readAt: number;
  readonly stop: AbortController;
  /** Resolves when the deployment may have changed since it was read. */
  readonly changed: Promise<void>;
  stale: boolean;
}

/** Read again at least so often, for changes whose wake was lost on the way from another process. */
const freshForMs = 1_000;
const kept = 1_000;

/**
 * The targets of recent calls, kept so that a call costs no read. An entry is dropped as soon as the deployment has a
 * new event, and is at most a second old: a replaced endpoint goes on for longer than that.
 */
export class Targets {
  readonly #at: Surroundings;
  readonly #entries = new Map<string, Entry>();

  constructor(at: Surroundings) {
    this.#at = at;
  }

  get(deploymentId: string): Promise<Target | null> {
    return this.#entry(deploymentId).target;
  }

  /** Resolves when `get` may answer something new, or after `longestMs`. */
  async changed(deploymentId: string, longestMs: number): Promise<void> {
    const { changed } = this.#entry(deploymentId);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, Math.min(longestMs, freshForMs));
    });
    await Promise.race([changed, late]);
    clearTimeout(timer);
  }

  /** What was read is known to be wrong. */
  drop(deploymentId: string): void {
    this.#entries.get(deploymentId)?.stop.abort();
    this.#entries.delete(deploymentId);
  }

  close(): void {
    for (const { stop } of this.#entries.values()) stop.abort();
    this.#entries.clear();
  }

  #entry(id: string): Entry {
    const now = this.#at.ambient.now();
    const old = this.#entries.get(id);
    if (old !== undefined && !old.stale && now - old.readAt < freshForMs) return old;
    old?.stop.abort();
    this.#entries.delete(id);
    const [eldest] = this.#entries.keys();
    if (this.#entries.size >= kept && eldest !== undefined) this.drop(eldest);
    const entry = this.#read(id, now, old);
    this.#entries.set(id, entry);
    return entry;
  }

  #read(id: string, readAt: number, old: Entry | undefined): Entry {
    const { events } = this.#at.store;
    const stop = new AbortController();
    // The head is read before the rows: what changes in between is seen as a change.
    const head = events.head(id);
    const entry: Entry = {
      target: head.then(() => this.#load(id, old)),
      readAt,
      stop,
      changed: head.then((sequence) => events.changed(id, sequence, stop.signal)),
      stale: false,
    };
    const spoil = () => {
      entry.stale = true;
    };
    entry.changed.then(spoil, spoil);
    entry.target.catch(spoil);
    return entry;
  }

  async #load(id: string, old: Entry | undefined): Promise<Target | null> {
    const { store } = this.#at;
    const deployment = await store.deployments.get(id);
    if (deployment === null) return null;
    const revisionId = deployment.activeRevisionId ?? deployment.latestRevisionId;
    const before = await old?.target.catch(() => null);
    // A revision and its module version never change; only the endpoint is read anew.
    const same = before?.revision.id === revisionId ? before : null;
    const revision = same?.revision ?? (await store.revisions.get(revisionId));
    const endpoint = revision && (await store.endpoints.get(revision.endpointId));
    const version =
      same?.version ?? (revision && (await store.moduleVersions.get(revision.moduleVersionId)));
    if (!revision || !endpoint || !version) throw new Error(`${id} has parts missing.`);
    const routes = same?.routes ?? (await this.#routes(version));
    return { deployment, revision, endpoint, version, routes };
  }

  async #routes(version: ModuleVersion): Promise<ModuleRoutes> {
    const module = await this.#at.store.modules.get(version.moduleId);
    return routesOf(version, module?.slug ?? '');
  }
}
