import { type Actor, maySee } from '../../domain/actor.ts';
import {
  type Deployment,
  deploymentStates,
  type Endpoint,
  type Revision,
} from '../../domain/deployment.ts';
import { FathomError } from '../../domain/errors.ts';
import type { DeploymentEvent, RecordedEvent } from '../../domain/event.ts';
import type { Id } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { isTerminal, transition } from '../../domain/state.ts';
import type { Query } from '../../store/contract/table.ts';
import { checkCursor, follow } from '../follow.ts';
import { tailsOf } from '../tail.ts';
import { checkName } from '../names.ts';
import { once } from '../once.ts';
import type { PlacementPlan } from '../sites/plan.ts';
import { Sites } from '../sites/sites.ts';
import type { Surroundings } from '../surroundings.ts';
import { together } from '../training/create-run.ts';
import { changeable, idOf, notFound } from '../visible.ts';
import { acceptDeployment } from './accept-deployment.ts';
import { applyUpdate } from './apply-update.ts';
import { acceptedEvents, newEndpoint, newRevision } from './new-revision.ts';
import { placeService } from './placement.ts';
import { planDeployment } from './plan-deployment.ts';
import { checkReplicas, type CreateDeployment, type UpdateDeployment } from './requests.ts';
import { type ModuleVersions, resolveServed } from './served.ts';
import { endpointWork } from './work-kinds.ts';
import { newId } from '../../domain/ids.ts';

export type DeploymentQuery = Pick<Query<'deployments'>, 'where' | 'orderBy'>;

/** Deployments: accepting, changing, deleting, reading, following. Roll-out is the reconciler's. */
export class Deployments {
  readonly #at: Surroundings;
  readonly #modules: ModuleVersions;
  readonly #sites: Sites;

  constructor(at: Surroundings, modules: ModuleVersions) {
    this.#at = at;
    this.#modules = modules;
    this.#sites = new Sites(at);
  }

  /**
   * Accepts a deployment: it, its first revision, its endpoint, its key, its events and the wish for a look are one
   * transaction. Rejects with every finding about the input at once, and has changed nothing then.
   */
  async create(actor: Actor, request: CreateDeployment): Promise<Deployment> {
    const { idempotencyKey, ...input } = request;
    const accepted = await acceptDeployment(this.#at, this.#modules, actor, request);
    const { served, resources, backend } = accepted;
    const { version, artifact } = served;
    const now = this.#at.ambient.now();
    const random = () => this.#at.ambient.random();
    const traceparent = this.#at.traces.current();
    const deployment = await this.#at.store.transaction(async (tx) => {
      const key = {
        actor,
        operation: 'createDeployment',
        idempotencyKey,
        input: input as unknown as Json,
      };
      const id = await once(tx, key, async () => {
        const deploymentId = newId('Deployment', now, random);
        const revision = newRevision(deploymentId, 1, served, this.#at.ambient);
        const deployment: Deployment = {
          id: deploymentId,
          version: 1,
          owner: actor.subject,
          visibility: 'PRIVATE',
          name: request.name,
          state: 'ACTIVE',
          stateSince: now,
          requestedBackend: request.backend,
          backend: backend.name,
          replicas: request.replicas,
          resources,
          activeRevisionId: null,
          latestRevisionId: revision.id,
          moduleVersionId: version.id,
          artifactId: artifact?.id ?? null,
          createdAt: now,
          updatedAt: now,
        };
        await tx.deployments.insert(deployment);
        await tx.revisions.insert(revision);
        await tx.endpoints.insert(newEndpoint(deployment, revision, now, traceparent));
        await tx.events.append(deploymentId, now, [
          { type: 'deployment.created', revisionId: revision.id },
          ...acceptedEvents(revision),
        ]);
        await tx.enqueue(endpointWork, revision.endpointId, now);
        return deploymentId;
      });
      return tx.deployments.get(id);
    });
    if (deployment === null) throw new Error('The accepted deployment is not there.');
    return deployment;
  }

  /** The dry run of `create`: see `planDeployment`. */
  plan(actor: Actor, request: CreateDeployment): Promise<PlacementPlan> {
    return planDeployment(this.#at, this.#modules, this.#sites, actor, request);
  }

  /**
   * A module version or an artifact becomes a new revision: it is made warm beside the one that answers, which goes on
   * until then. Other changes take hold at once, on the servers that run. All of it is one transaction.
   */
  async update(actor: Actor, request: UpdateDeployment): Promise<Deployment> {
    const id = idOf('Deployment', request.id);
    const { idempotencyKey, ...input } = request;
    const { moduleVersionId, artifactId, name, replicas } = request;
    const rollsOut = moduleVersionId !== null || artifactId !== null;
    if (!rollsOut && name === null && replicas === null) {
      throw new FathomError(
        'INVALID_ARGUMENT',
        'There is nothing to change: give moduleVersionId, artifactId, replicas or name.',
      );
    }
    const [found, served] = await together(
      this.#at.store.deployments
        .get(id)
        .then((deployment) => changeable(actor, deployment, 'Deployment', id)),
      rollsOut ? resolveServed(this.#at, this.#modules, actor, request) : Promise.resolve(null),
      checkName(name),
      checkReplicas(replicas),
    );
    if (served !== null) {
      // It stays where it is; a module that cannot run there is refused now and not after the roll-out.
      const wish = { backend: found.backend, resources: found.resources };
      placeService(wish, served.version.source, this.#at.backends);
    }
    const traceparent = this.#at.traces.current();
    const updated = await this.#at.store.transaction(async (tx) => {
      const key = {
        actor,
        operation: 'updateDeployment',
        idempotencyKey,
        input: input as unknown as Json,
      };
      await once(tx, key, async () => {
        const current = changeable(actor, await tx.deployments.get(id), 'Deployment', id);
        const change = { ...request, served, traceparent };
        await applyUpdate(tx, current, change, this.#at.ambient);
        return id;
      });
      return tx.deployments.get(id);
    });
    if (updated === null) throw notFound('Deployment', id);
    return updated;
  }

  /** Asks for the end. What is deleted already, or being deleted, is returned as it is. */
  async delete(actor: Actor, idText: string): Promise<Deployment> {
    const id = idOf('Deployment', idText);
    return this.#at.store.transaction(async (tx) => {
      const now = this.#at.ambient.now();
      const current = changeable(actor, await tx.deployments.get(id), 'Deployment', id);
      const moved = transition(deploymentStates, current, 'DELETING', now, null);
      if (moved === null) return current;
      const deployment = { ...moved.entity, version: current.version + 1, updatedAt: now };
      await tx.deployments.update(deployment);
      await tx.events.append(id, now, [
        { type: 'deployment.stateChanged', from: current.state, to: 'DELETING' },
      ]);
      const endpoints = await tx.endpoints.list({ where: { deploymentId: id } }, 10_000);
      for (const endpoint of endpoints) {
        const gone = endpoint.state === 'COLD' && endpoint.id !== endpoints[0]?.id;
        if (!gone) await tx.enqueue(endpointWork, endpoint.id, now);
      }
      return deployment;
    });
  }

  /** Null when there is none that the actor may see. */
  async get(actor: Actor, idText: string): Promise<Deployment | null> {
    const [found = null] = await this.getMany(actor, [idOf('Deployment', idText)]);
    return found;
  }

  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (Deployment | null)[]> {
    const found = await this.#at.store.deployments.getMany(ids);
    return found.map((each) => (each !== null && maySee(actor, each) ? each : null));
  }

  page(actor: Actor, query: DeploymentQuery, page: PageRequest): Promise<Page<Deployment>> {
    return this.#at.store.deployments.page({ ...query, visibleTo: actor }, page);
  }

  count(actor: Actor, query: DeploymentQuery): Promise<number> {
    return this.#at.store.deployments.count({ ...query, visibleTo: actor });
  }

  /** Those that serve each of the module versions or artifacts now. */
  pageEach(
    actor: Actor,
    column: 'moduleVersionId' | 'artifactId',
    parents: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Deployment>>> {
    return this.#at.store.deployments.pageEach(column, parents, { visibleTo: actor }, page);
  }

  countEach(
    actor: Actor,
    column: 'moduleVersionId' | 'artifactId',
    parents: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    return this.#at.store.deployments.countEach(column, parents, { visibleTo: actor });
  }

  /** Null for one whose deployment the actor may not see. */
  async revisions(actor: Actor, ids: readonly string[]): Promise<readonly (Revision | null)[]> {
    return this.#ofVisible(actor, await this.#at.store.revisions.getMany(ids));
  }

  /** As `revisions`. */
  async endpoints(actor: Actor, ids: readonly string[]): Promise<readonly (Endpoint | null)[]> {
    return this.#ofVisible(actor, await this.#at.store.endpoints.getMany(ids));
  }

  /** Newest first. The actor sees the deployments already. */
  revisionsOf(
    deploymentIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Revision>>> {
    return this.#at.store.revisions.pageEach('deploymentId', deploymentIds, newestFirst, page);
  }

  revisionCounts(deploymentIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#at.store.revisions.countEach('deploymentId', deploymentIds, {});
  }

  /** Every event after `after`, then those to come; completes behind the last event of a deleted deployment. */
  async followEvents(
    actor: Actor,
    idText: string,
    after: number,
  ): Promise<AsyncIterableIterator<RecordedEvent<DeploymentEvent>>> {
    const id = idOf('Deployment', idText);
    const [deployment = null] = await this.getMany(actor, [id]);
    if (deployment === null) throw notFound('Deployment', id);
    const { events } = this.#at.store;
    checkCursor(after, await events.head(id));
    return follow<RecordedEvent<DeploymentEvent>>(
      tailsOf(this.#at.store),
      `events:${id}`,
      {
        read: async (from, limit) => (await events.read(id, from, limit)) as never,
        position: (event) => event.sequence,
        changed: (from, signal) => events.changed(id, from, signal),
        ended: () => this.#ended(id),
      },
      after,
    );
  }

  async #ended(id: Id<'Deployment'>): Promise<boolean> {
    const deployment = await this.#at.store.deployments.get(id);
    return deployment === null || isTerminal(deploymentStates, deployment.state);
  }

  async #ofVisible<T extends { readonly deploymentId: string }>(
    actor: Actor,
    found: readonly (T | null)[],
  ): Promise<readonly (T | null)[]> {
    const ids = [...new Set(found.flatMap((each) => each?.deploymentId ?? []))];
    const seen = new Set((await this.getMany(actor, ids)).flatMap((each) => each?.id ?? []));
    return found.map((each) =>
      each !== null && seen.has(each.deploymentId as Id<'Deployment'>) ? each : null,
    );
  }
}

const newestFirst: Query<'revisions'> = { orderBy: { column: 'number', direction: 'DESC' } };
