import { type Actor, maySee } from '../../domain/actor.ts';
import { FathomError } from '../../domain/errors.ts';
import type { RecordedEvent, SweepEvent } from '../../domain/event.ts';
import { newId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { Page, PageRequest } from '../../domain/page.ts';
import { isTerminal } from '../../domain/state.ts';
import { endedCount, nothingEnded, type Sweep, sweepStates } from '../../domain/sweep.ts';
import { sweepLimits } from '../../domain/sweep-parameters.ts';
import type { TrainingRun, TrainingRunState } from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { Transaction } from '../../store/contract/store.ts';
import type { Query } from '../../store/contract/table.ts';
import { checkCursor, follow } from '../follow.ts';
import { checkName } from '../names.ts';
import { once } from '../once.ts';
import type { Surroundings } from '../surroundings.ts';
import { tailsOf } from '../tail.ts';
import { accept, type Acceptable, type RunSources } from '../training/accept-run.ts';
import { askForEnd } from '../training/cancel-run.ts';
import { together } from '../training/create-run.ts';
import { choosing, draftOf, insertRuns } from '../training/new-run.ts';
import { changeable, idOf, visible } from '../visible.ts';
import { argumentsOfRuns, checkSweep, type CreateSweep } from './create-sweep.ts';
import { SweepRecord } from './sweep-record.ts';
import { sweepWork } from './work-kinds.ts';

export type SweepQuery = Pick<Query<'sweeps'>, 'where' | 'orderBy'>;

interface NewSweep {
  readonly actor: Actor;
  readonly request: CreateSweep;
  readonly accepted: Acceptable<readonly JsonObject[]>;
  readonly traceparent: string | null;
}

/** Sweeps: accepting, cancelling, reading, following. Their runs are ordinary ones, and dispatch is the reconciler's. */
export class Sweeps {
  readonly #at: Surroundings;
  readonly #sources: RunSources;

  constructor(at: Surroundings, modules: RunSources['modules'], datasets: RunSources['datasets']) {
    this.#at = at;
    this.#sources = { modules, datasets };
  }

  /**
   * Accepts a sweep: it, its key, all its runs with their first events and the wish for a look are one transaction. Rejects
   * with every finding about the input at once, and has changed nothing then.
   */
  async create(actor: Actor, request: CreateSweep): Promise<Sweep> {
    const accepted = await accept(this.#at, this.#sources, actor, request, {
      arguments: (schema, seed) => argumentsOfRuns(schema, request, seed),
      rest: () => together(checkName(request.name, sweepLimits.nameLength), checkSweep(request)),
    });
    const now = this.#at.ambient.now();
    const { idempotencyKey, ...input } = request;
    const traceparent = this.#at.traces.current();
    const created = await this.#at.store.transaction(
      async (tx) => {
        const key = {
          actor,
          operation: 'createSweep',
          idempotencyKey,
          input: input as unknown as Json,
        };
        const id = await once(tx, key, () =>
          this.#insert(tx, { actor, request, accepted, traceparent }, now),
        );
        return tx.sweeps.get(id);
      },
      { takesNumbers: true },
    );
    if (created === null) throw new Error('The accepted sweep is not there.');
    return created;
  }

  async #insert(
    tx: Transaction,
    { actor, request, accepted, traceparent }: NewSweep,
    now: number,
  ): Promise<string> {
    const number = await tx.nextNumber('sweep');
    const sweep: Sweep = {
      id: newId('Sweep', now, () => this.#at.ambient.random()),
      version: 1,
      owner: actor.subject,
      visibility: 'PRIVATE',
      number,
      name: request.name ?? `sweep-${number}`,
      moduleVersionId: accepted.version.id,
      datasetVersionId: accepted.data.id,
      splitId: accepted.split.id,
      arguments: request.arguments,
      parameters: request.space.parameters,
      strategy: request.space.strategy,
      trials: accepted.arguments.length,
      objective: request.objective,
      seed: accepted.seed,
      resources: accepted.resources,
      requestedBackend: request.backend,
      resumeFrom: accepted.checkpoint?.id ?? null,
      atOnce: request.atOnce,
      state: 'QUEUED',
      stateSince: now,
      letOn: 0,
      underWay: 0,
      arrayOn: null,
      ended: nothingEnded,
      best: null,
      cancelRequestedAt: null,
      finishedAt: null,
      createdAt: now,
      updatedAt: now,
    };
    await tx.sweeps.insert(sweep);
    await tx.events.append(sweep.id, now, [
      { type: 'sweep.accepted', trials: sweep.trials },
      { type: 'sweep.stateChanged', from: null, to: 'QUEUED', reason: null },
    ]);
    const drafts = accepted.arguments.map((values, at) =>
      draftOf(this.#at, now, {
        actor,
        accepted,
        arguments: values,
        requestedBackend: request.backend,
        name: `${sweep.name}-${at + 1}`,
        waiting: firstWaiting(sweep.atOnce, at + 1),
        sweep: { sweepId: sweep.id, sweepNumber: at + 1 },
        traceparent,
      }),
    );
    await insertRuns(tx, drafts, now);
    await tx.enqueue(sweepWork, sweep.id, now);
    return sweep.id;
  }

  /**
   * Asks for the end of every run that has not ended, in one transaction. A sweep that ended already, or whose end was
   * asked for, is returned as it is.
   */
  async cancel(actor: Actor, idText: string): Promise<Sweep> {
    const id = idOf('Sweep', idText);
    const now = this.#at.ambient.now();
    return this.#at.store.transaction(async (tx) => {
      const sweep = changeable(actor, await tx.sweeps.get(id), 'Sweep', id);
      if (isTerminal(sweepStates, sweep.state) || sweep.cancelRequestedAt !== null) return sweep;
      const record = new SweepRecord(sweep, now);
      record.patch({ cancelRequestedAt: now });
      record.tell({ type: 'sweep.cancelRequested', by: actor.subject });
      record.move('CANCELLING', null);
      await record.save(tx);
      const where = { sweepId: id, state: { notIn: over } } as const;
      for (const run of await tx.trainingRuns.list({ where }, sweepLimits.trials)) {
        if (run.cancelRequestedAt === null) await askForEnd(tx, run, actor, now);
      }
      return (await tx.sweeps.get(id)) ?? sweep;
    });
  }

  /** By id or by number, exactly one; null when there is none that the actor may see. */
  async getBy(
    actor: Actor,
    key: { readonly id: string | null; readonly number: number | null },
  ): Promise<Sweep | null> {
    if ((key.id === null) === (key.number === null)) {
      throw new FathomError('INVALID_ARGUMENT', 'Give exactly one of `id` and `number`.', {
        path: ['id'],
      });
    }
    const { sweeps } = this.#at.store;
    const sweep =
      key.id === null
        ? await sweeps.find({ where: { number: key.number } })
        : await sweeps.get(idOf('Sweep', key.id));
    return sweep !== null && maySee(actor, sweep) ? sweep : null;
  }

  async getMany(actor: Actor, ids: readonly string[]): Promise<readonly (Sweep | null)[]> {
    const found = await this.#at.store.sweeps.getMany(ids);
    return found.map((sweep) => (sweep !== null && maySee(actor, sweep) ? sweep : null));
  }

  page(actor: Actor, query: SweepQuery, page: PageRequest): Promise<Page<Sweep>> {
    return this.#at.store.sweeps.page({ ...query, visibleTo: actor }, page);
  }

  count(actor: Actor, query: SweepQuery): Promise<number> {
    return this.#at.store.sweeps.count({ ...query, visibleTo: actor });
  }

  /** The runs of each sweep by their number in it. Who sees a sweep sees its runs. */
  runsOf(
    sweepIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<TrainingRun>>> {
    return this.#at.store.trainingRuns.pageEach('sweepId', sweepIds, byNumber, page);
  }

  /** How many runs of each sweep are in which state, from the index alone. The actor sees the sweeps already. */
  async runCounts(
    sweepIds: readonly string[],
  ): Promise<ReadonlyMap<string, ReadonlyMap<TrainingRunState, number>>> {
    const { trainingRuns } = this.#at.store;
    return (await trainingRuns.countEachBy('sweepId', sweepIds, 'state', {})) as never;
  }

  /**
   * Why nothing of each sweep runs: the reason of the first of its runs that waits. None where one runs, and after the end.
   * The actor sees the sweeps already.
   */
  async waitingOf(sweeps: readonly Sweep[]): Promise<ReadonlyMap<string, Waiting>> {
    const open = sweeps.filter(({ state }) => !isTerminal(sweepStates, state));
    const ids = open.map(({ id }) => id);
    const counts = await this.runCounts(ids);
    const idle = open.filter(({ id }) => !running.some((state) => counts.get(id)?.has(state)));
    const first = await this.#at.store.trainingRuns.pageEach(
      'sweepId',
      idle.map(({ id }) => id),
      { ...byNumber, where: { state: { in: waitingStates } } },
      { first: 1 },
    );
    const told = idle.flatMap((sweep): readonly (readonly [string, Waiting])[] => {
      const waiting = first.get(sweep.id)?.items[0]?.node.waiting ?? null;
      return waiting === null ? [] : [[sweep.id, waitingOfAll(sweep, waiting)]];
    });
    return new Map(told);
  }

  /** Every event after `after`, then those to come; completes behind the last event of a sweep that ended. */
  async followEvents(
    actor: Actor,
    idText: string,
    after: number,
  ): Promise<AsyncIterableIterator<RecordedEvent<SweepEvent>>> {
    const id = idOf('Sweep', idText);
    const { events, sweeps } = this.#at.store;
    visible(actor, await sweeps.get(id), 'Sweep', id);
    checkCursor(after, await events.head(id));
    return follow<RecordedEvent<SweepEvent>>(
      tailsOf(this.#at.store),
      `events:${id}`,
      {
        read: async (from, limit) => (await events.read(id, from, limit)) as never,
        position: (event) => event.sequence,
        changed: (from, signal) => events.changed(id, from, signal),
        ended: async () => {
          const sweep = await sweeps.get(id);
          return sweep === null || isTerminal(sweepStates, sweep.state);
        },
      },
      after,
    );
  }
}

const over = ['SUCCEEDED', 'FAILED', 'CANCELLED', 'LOST'] as const;
const running: readonly TrainingRunState[] = ['RUNNING', 'EVALUATING'];
const waitingStates = ['QUEUED', 'PLACED', 'SUBMITTED', 'PENDING', 'PREPARING'] as const;
const byNumber = { orderBy: { column: 'sweepNumber', direction: 'ASC' } } as const;

function firstWaiting(atOnce: number | null, number: number): Pick<Waiting, 'code' | 'message'> {
  if (atOnce === null || number <= atOnce) return choosing;
  const message = `Others of its sweep run first: ${atOnce} at the same time.`;
  return { code: 'SWEEP_LIMIT', message };
}

function waitingOfAll({ trials, ended }: Sweep, waiting: Waiting): Waiting {
  const left = trials - endedCount(ended);
  const which = left === trials ? `its ${trials} runs` : `the ${left} runs that are left`;
  return { ...waiting, message: `None of ${which} is running: ${waiting.message}` };
}
