import { type Actor, maySee } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import type { RecordedEvent, TrainingRunEvent } from '../../domain/event.ts';
import { type Id, parseId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { isTerminal } from '../../domain/state.ts';
import {
  type Artifact,
  type Attempt,
  type LogLine,
  type MetricPoint,
  type TrainingRun,
  trainingRunStates,
} from '../../domain/training-run.ts';
import type { Query } from '../../store/contract/table.ts';
import { checkCursor, follow } from '../follow.ts';
import { tailsOf } from '../tail.ts';
import type { PlacementPlan } from '../sites/plan.ts';
import { Sites } from '../sites/sites.ts';
import type { Surroundings } from '../surroundings.ts';
import { changeable, idOf, notFound, quoted } from '../visible.ts';
import { RunAcceptance } from './acceptance.ts';
import { acceptRun, type RunSources } from './accept-run.ts';
import { askForEnd } from './cancel-run.ts';
import type { CreateTrainingRun } from './create-run.ts';
import { choosing, draftOf } from './new-run.ts';
import { planRun } from './plan-run.ts';
import { logStream, metricStream } from './work-kinds.ts';

/** An entry of a stream with the offset to go on behind. */
export interface Offset<T> {
  readonly offset: number;
  readonly value: T;
}

export type RunQuery = Pick<Query<'trainingRuns'>, 'where' | 'orderBy'>;

/** Training runs: accepting, cancelling, reading, following. Dispatch is the reconciler's. */
export class TrainingRuns {
  readonly #at: Surroundings;
  /** Where they run. */
  readonly sites: Sites;
  readonly #sources: RunSources;
  readonly #acceptance: RunAcceptance;

  constructor(at: Surroundings, modules: RunSources['modules'], datasets: RunSources['datasets']) {
    this.#at = at;
    this.sites = new Sites(at);
    this.#acceptance = new RunAcceptance(at);
    this.#sources = { modules, datasets };
  }

  /**
   * Accepts a run: the run, its key, its first event and the wish for a look are one transaction. Rejects with every
   * finding about the input at once, and has changed nothing then.
   */
  async create(actor: Actor, request: CreateTrainingRun): Promise<TrainingRun> {
    const accepted = await acceptRun(this.#at, this.#sources, actor, request);
    const now = this.#at.ambient.now();
    const { idempotencyKey, ...input } = request;
    const key = {
      actor,
      operation: 'createTrainingRun',
      idempotencyKey,
      input: input as unknown as Json,
    };
    const draft = draftOf(this.#at, now, {
      actor,
      accepted,
      arguments: accepted.arguments,
      requestedBackend: request.backend,
      name: request.name,
      waiting: choosing,
      sweep: {},
      traceparent: this.#at.traces.current(),
    });
    return this.#acceptance.accept(draft, key);
  }

  /** The dry run of `create`: see `planRun`. */
  plan(actor: Actor, request: CreateTrainingRun): Promise<PlacementPlan> {
    return planRun(this.#at, this.#sources, this.sites, actor, request);
  }

  /** Asks for the end, in every state. A run that ended already is returned as it is: cancelling changes nothing then. */
  async cancel(actor: Actor, idText: string): Promise<TrainingRun> {
    const id = idOf('TrainingRun', idText);
    const now = this.#at.ambient.now();
    return this.#at.store.transaction(async (tx) => {
      const run = changeable(actor, await tx.trainingRuns.get(id), 'TrainingRun', id);
      if (isTerminal(trainingRunStates, run.state) || run.cancelRequestedAt !== null) return run;
      await askForEnd(tx, run, actor, now);
      return (await tx.trainingRuns.get(id)) ?? run;
    });
  }

  /** By id or by number, exactly one; null when there is none that the actor may see. */
  async getBy(
    actor: Actor,
    key: { readonly id: string | null; readonly number: number | null },
  ): Promise<TrainingRun | null> {
    if ((key.id === null) === (key.number === null)) {
      throw new FathomError('INVALID_ARGUMENT', 'Give exactly one of `id` and `number`.', {
        path: ['id'],
      });
    }
    const { trainingRuns } = this.#at.store;
    const run =
      key.id === null
        ? await trainingRuns.find({ where: { number: key.number } })
        : await trainingRuns.get(idOf('TrainingRun', key.id));
    return run !== null && maySee(actor, run) ? run : null;
  }

  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (TrainingRun | null)[]> {
    return seen(actor, await this.#at.store.trainingRuns.getMany(ids));
  }

  page(actor: Actor, query: RunQuery, page: PageRequest): Promise<Page<TrainingRun>> {
    return this.#at.store.trainingRuns.page({ ...query, visibleTo: actor }, page);
  }

  count(actor: Actor, query: RunQuery): Promise<number> {
    return this.#at.store.trainingRuns.count({ ...query, visibleTo: actor });
  }

  pageEach(
    actor: Actor,
    column: 'moduleVersionId' | 'datasetVersionId',
    parents: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<TrainingRun>>> {
    return this.#at.store.trainingRuns.pageEach(column, parents, { visibleTo: actor }, page);
  }

  countEach(
    actor: Actor,
    column: 'moduleVersionId' | 'datasetVersionId',
    parents: readonly string[],
  ): Promise<ReadonlyMap<string, number>> {
    return this.#at.store.trainingRuns.countEach(column, parents, { visibleTo: actor });
  }

  /** All attempts of each run, oldest first. The actor sees the runs already. */
  async attemptsOf(runIds: readonly string[]): Promise<ReadonlyMap<string, readonly Attempt[]>> {
    const attempts = await this.#at.store.attempts.list(
      { where: { runId: { in: runIds } }, orderBy: { column: 'number', direction: 'ASC' } },
      runIds.length * 100,
    );
    return Map.groupBy(attempts, (attempt) => attempt.runId as string);
  }

  async artifacts(actor: Actor, ids: readonly string[]): Promise<readonly (Artifact | null)[]> {
    return seen(actor, await this.#at.store.artifacts.getMany(ids));
  }

  artifactsOf(
    actor: Actor,
    runIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<Artifact>>> {
    return this.#at.store.artifacts.pageEach('runId', runIds, oldestFirst(actor), page);
  }

  artifactCounts(actor: Actor, runIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#at.store.artifacts.countEach('runId', runIds, oldestFirst(actor));
  }

  async attempts(actor: Actor, ids: readonly string[]): Promise<readonly (Attempt | null)[]> {
    const attempts = await this.#at.store.attempts.getMany(ids);
    const runs = await this.getMany(actor, [
      ...new Set(attempts.flatMap((found) => found?.runId ?? [])),
    ]);
    const visibleRuns = new Set(runs.flatMap((run) => run?.id ?? []));
    return attempts.map((found) => (found !== null && visibleRuns.has(found.runId) ? found : null));
  }

  async artifact(actor: Actor, idText: string): Promise<Artifact | null> {
    const [found = null] = await this.artifacts(actor, [idOf('Artifact', idText)]);
    return found;
  }

  /** Where an artifact's file is read: a signed, expiring URL. */
  urlOf(file: { readonly sha256: string; readonly path: string }): string {
    return this.#at.links.blob(file.sha256, file.path.slice(file.path.lastIndexOf('/') + 1));
  }

  /** A page of the log and how the whole of it stands. The actor sees the run already. */
  async logPage(run: TrainingRun, after: number, limit: number) {
    const name = logStream(run.id);
    const { streams } = this.#at.store;
    const [entries, { head, dropped, ended }] = await Promise.all([
      streams.read(name, after, limit),
      streams.stat(name),
    ]);
    const lines = entries.map(({ offset, value }) => ({
      ...(value as unknown as LogLine),
      offset,
    }));
    return { lines, head, dropped, ended };
  }

  async metricPoints(
    run: TrainingRun,
    after: number,
    limit: number,
  ): Promise<readonly Offset<MetricPoint>[]> {
    return (await this.#at.store.streams.read(metricStream(run.id), after, limit)) as never;
  }

  /** Every event after `after`, then those to come; completes behind the last event of a run that ended. */
  async followEvents(
    actor: Actor,
    idText: string,
    after: number,
  ): Promise<AsyncIterableIterator<RecordedEvent<TrainingRunEvent>>> {
    const id = await this.#followable(actor, idText);
    const { events } = this.#at.store;
    checkCursor(after, await events.head(id));
    return follow<RecordedEvent<TrainingRunEvent>>(
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

  followLog(
    actor: Actor,
    id: string,
    after: number,
  ): Promise<AsyncIterableIterator<Offset<LogLine>>> {
    return this.#followStream<LogLine>(actor, id, after, logStream);
  }

  followMetrics(
    actor: Actor,
    id: string,
    after: number,
  ): Promise<AsyncIterableIterator<Offset<MetricPoint>>> {
    return this.#followStream<MetricPoint>(actor, id, after, metricStream);
  }

  async #followStream<T>(
    actor: Actor,
    idText: string,
    after: number,
    nameOf: (id: string) => string,
  ): Promise<AsyncIterableIterator<Offset<T>>> {
    const id = await this.#followable(actor, idText);
    const { streams } = this.#at.store;
    const name = nameOf(id);
    checkCursor(after, (await streams.stat(name)).head);
    return follow<Offset<T>>(
      tailsOf(this.#at.store),
      name,
      {
        read: async (from, limit) => (await streams.read(name, from, limit)) as never,
        position: (entry) => entry.offset,
        changed: (from, signal) => streams.changed(name, from, signal),
        ended: async () => (await streams.stat(name)).ended,
      },
      after,
    );
  }

  async #followable(actor: Actor, text: string): Promise<Id<'TrainingRun'>> {
    const id = parseId('TrainingRun', text);
    if (id === null)
      throw new FathomError('BAD_ID', `${quoted(text)} is not the id of a TrainingRun.`);
    const run = await this.#at.store.trainingRuns.get(id);
    if (run === null || !maySee(actor, run)) throw notFound('TrainingRun', id);
    return id;
  }

  async #ended(id: string): Promise<boolean> {
    const run = await this.#at.store.trainingRuns.get(id);
    return run === null || isTerminal(trainingRunStates, run.state);
  }
}

function oldestFirst(actor: Actor): Query<'artifacts'> {
  return { visibleTo: actor, orderBy: { column: 'createdAt', direction: 'ASC' } };
}

function seen<T extends TrainingRun | Artifact>(
  actor: Actor,
  found: readonly (T | null)[],
): readonly (T | null)[] {
  return found.map((object) => (object !== null && maySee(actor, object) ? object : null));
}
