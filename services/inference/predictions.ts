import { type Actor, mayChange, maySee } from '../../domain/actor.ts';
import type { Deployment, Prediction } from '../../domain/deployment.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import type { Query } from '../../store/contract/table.ts';
import { Traffic } from '../deployments/traffic.ts';
import { validateArguments } from '../modules/validate-arguments.ts';
import type { Surroundings } from '../surroundings.ts';
import { idOf, visible } from '../visible.ts';
import { Calls } from './calls.ts';
import type { DispatchLimits } from './dispatcher.ts';
import { gather, inlineFiles } from './input-files.ts';
import { moduleRequest, withoutHeaders } from './module-request.ts';
import {
  type PredictRequest,
  checkRequest,
  predictLimits,
  type Predicted,
} from './predict-request.ts';
import { PredictionLog } from './prediction-log.ts';
import { readiness, Holding } from './readiness.ts';
import { RemoteFiles } from './remote-files.ts';
import { type Target, Targets } from './targets.ts';

export interface PredictionOptions {
  readonly dispatch?: Partial<DispatchLimits>;
  /** Calls that may be held at once while their endpoint is not warm. */
  readonly heldCalls?: number;
  /** Whether a file may be fetched from an address; default: public ones only. */
  readonly mayConnect?: (address: string) => boolean;
  /** Where calls under way are counted; default: in this process alone. */
  readonly traffic?: Traffic;
}

/** Predictions: one call to a warm endpoint, and what is remembered of it. */
export class Predictions {
  /** Calls under way; the reconciler lets them end before it takes an endpoint away. */
  readonly traffic: Traffic;
  readonly #at: Surroundings;
  readonly #targets: Targets;
  readonly #calls: Calls;
  readonly #holding: Holding;
  readonly #remote: RemoteFiles;
  readonly #log: PredictionLog;

  constructor(at: Surroundings, options: PredictionOptions = {}) {
    this.#at = at;
    this.traffic = options.traffic ?? new Traffic();
    this.#targets = new Targets(at);
    this.#holding = new Holding(at, this.#targets, options.heldCalls ?? 256);
    this.#remote = new RemoteFiles({
      maximumBytes: predictLimits.fetchedBytes,
      ...(options.mayConnect && { mayConnect: options.mayConnect }),
    });
    this.#log = new PredictionLog(at);
    const parts = { at, targets: this.#targets, traffic: this.traffic, log: this.#log };
    this.#calls = new Calls(parts, options.dispatch ?? {});
  }

  /**
   * One prediction. Arguments are checked against the module's schema before anything is sent. Rejects with NOT_READY
   * (and when to try again) unless the endpoint is WARM, OVERLOADED when too many calls wait, DEADLINE_EXCEEDED,
   * MODULE_FAILED with the module's words, and with each wrong argument at its path.
   */
  async predict(actor: Actor, request: PredictRequest): Promise<Predicted> {
    const acceptedAt = this.#at.ambient.now();
    const id = idOf('Deployment', request.deploymentId, ['deploymentId']);
    checkRequest(request);
    const found = await this.#targets.get(id);
    visible(actor, found?.deployment ?? null, 'Deployment', id, ['deploymentId']);
    if (found === null) throw new Error('unreachable: an absent deployment is not visible');
    let checked = check(found, request);
    const target =
      readiness(found) === 'READY'
        ? found
        : await this.#holding.untilWarm(found, request.waitUntilWarmMs ?? 0);
    if (target.version !== found.version) checked = check(target, request);
    const deadline =
      this.#at.ambient.now() + (request.deadlineMs ?? predictLimits.defaultDeadlineMs);
    const files =
      request.files.length === 0
        ? checked.files
        : [...checked.files, ...(await gather(this.#at, this.#remote, request.files, deadline))];
    const message = await moduleRequest(target.routes.predict, checked.values, files);
    return this.#calls.run(actor, target, message, acceptedAt, deadline);
  }

  async get(actor: Actor, idText: string): Promise<Prediction | null> {
    const [found = null] = await this.getMany(actor, [idOf('Prediction', idText)]);
    return found;
  }

  /** Null for one that the actor neither made nor, as one who may change the deployment, answers for. */
  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (Prediction | null)[]> {
    await this.#log.flush();
    const found = await this.#at.store.predictions.getMany(ids);
    const deploymentIds = [...new Set(found.flatMap((each) => each?.deploymentId ?? []))];
    const deployments = new Map<string, Deployment>();
    for (const each of await this.#at.store.deployments.getMany(deploymentIds)) {
      if (each !== null && maySee(actor, each)) deployments.set(each.id, each);
    }
    return found.map((each) => {
      const deployment = each && deployments.get(each.deploymentId);
      if (!each || !deployment) return null;
      return each.owner === actor.subject || mayChange(actor, deployment) ? each : null;
    });
  }

  /** Newest first: all of them to those who may change the deployment, to others their own. */
  async pageEach(
    actor: Actor,
    deploymentIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Prediction>>> {
    const { predictions } = this.#at.store;
    return this.#each(actor, deploymentIds, (ids, query) =>
      predictions.pageEach('deploymentId', ids, query, page),
    );
  }

  async countEach(
    actor: Actor,
    deploymentIds: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    const { predictions } = this.#at.store;
    return this.#each(actor, deploymentIds, (ids, query) =>
      predictions.countEach('deploymentId', ids, query),
    );
  }

  /** Writes down what is not yet written. Calls under way are not waited for. */
  async close(): Promise<void> {
    this.#targets.close();
    await this.#log.close();
    await this.#remote.close();
  }

  async #each<T>(
    actor: Actor,
    deploymentIds: readonly string[],
    load: (ids: readonly string[], query: Query<'predictions'>) => Promise<ReadonlyMap<string, T>>,
  ): Promise<ReadonlyMap<string, T>> {
    await this.#log.flush();
    const found = await this.#at.store.deployments.getMany(deploymentIds);
    const all = found.filter((each) => each !== null && mayChange(actor, each));
    const answering = new Set<string>(all.flatMap((each) => each?.id ?? []));
    const others = deploymentIds.filter((id) => !answering.has(id));
    const [mine, own] = await Promise.all([
      answering.size === 0 ? new Map<string, T>() : load([...answering], {}),
      others.length === 0
        ? new Map<string, T>()
        : load(others, { where: { owner: actor.subject } }),
    ]);
    return new Map([...mine, ...own]);
  }
}

function check({ version }: Target, request: PredictRequest) {
  const schema = version.predictSchema;
  const names = request.files.map(({ argument }) => argument);
  const values = validateArguments(schema, request.arguments, ['arguments'], names);
  const { rest, files } = inlineFiles(schema, withoutHeaders(schema, request.arguments, values));
  return { values: rest, files };
}
