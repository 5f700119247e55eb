import type { DomainEvent, TrainingRunEvent } from '../../domain/event.ts';
import type { Id } from '../../domain/ids.ts';
import { isTerminal, transition } from '../../domain/state.ts';
import {
  type Attempt,
  attemptStates,
  type AttemptState,
  type Outcome,
  type TrainingRun,
  trainingRunStates,
  type TrainingRunState,
} from '../../domain/training-run.ts';
import type { Waiting } from '../../domain/waiting.ts';
import type { EventsOf, Transaction } from '../../store/contract/store.ts';
import type { Change } from '../../store/contract/table.ts';
import { memberEnded } from '../sweeps/member-ended.ts';

/** `before` is null for a new attempt. */
interface Writes {
  readonly run: Change<TrainingRun> | null;
  readonly attempt: { readonly before: Attempt | null; readonly entity: Attempt } | null;
  readonly events: EventsOf;
  /** The sweep that hears of the run's end. */
  readonly endedIn: Id<'Sweep'> | null;
  readonly now: number;
}

/**
 * Writes all of them in a few statements, each run once. VERSION_CONFLICT when any of them was overtaken: then the
 * transaction must not be committed.
 */
export async function saveRecords(tx: Transaction, records: readonly RunRecord[]): Promise<void> {
  const all = records.map((record) => record.writes);
  const attempts = all.flatMap(({ attempt }) => attempt ?? []);
  await tx.attempts.updateMany(
    attempts.flatMap(({ before, entity }) => (before === null ? [] : { before, entity })),
  );
  await tx.attempts.insertMany(
    attempts.flatMap(({ before, entity }) => (before === null ? entity : [])),
  );
  await tx.trainingRuns.updateMany(all.flatMap(({ run }) => run ?? []));
  for (const [now, told] of Map.groupBy(all, (writes) => writes.now)) {
    await tx.events.appendAll(
      now,
      told.map(({ events }) => events),
    );
  }
  // One sweep may hear of several ends: one after the other.
  for (const { endedIn, run, now } of all) {
    if (endedIn !== null && run !== null) await memberEnded(tx, endedIn, run.entity, now);
  }
}

/**
 * A run and its attempt while they are being changed: collects the changes and their events, and writes both at once.
 * Nothing is written when nothing changed. With the end of a run its sweep is told, in the same transaction.
 */
export class RunRecord {
  #run: TrainingRun;
  #attempt: Attempt | null;
  readonly #storedRun: TrainingRun;
  readonly #storedAttempt: Attempt | null;
  readonly #now: number;
  readonly #events: TrainingRunEvent[] = [];
  #sawAt: number | null = null;

  constructor(run: TrainingRun, attempt: Attempt | null, now: number) {
    this.#run = run;
    this.#storedRun = run;
    this.#attempt = attempt;
    this.#storedAttempt = attempt;
    this.#now = now;
  }

  get run(): TrainingRun {
    return this.#run;
  }

  get attempt(): Attempt | null {
    return this.#attempt;
  }

  /** Moves the run; a state that cannot be reached any more is a stale observation and changes nothing. */
  move(to: TrainingRunState, reason: string | null, outcome: Outcome | null = null): boolean {
    const moved = transition(trainingRunStates, this.#run, to, this.#now, reason);
    if (moved === null) return false;
    this.#run = moved.entity;
    if (outcome !== null) this.#run = { ...this.#run, outcome };
    for (const change of moved.changes) {
      this.#events.push({
        type: 'trainingRun.stateChanged',
        from: change.from,
        to: change.to,
        reason: change.reason,
        outcome: change.to === to ? outcome : null,
      });
    }
    return true;
  }

  moveAttempt(to: AttemptState, nativeState: string | null, outcome: Outcome | null = null): void {
    if (this.#attempt === null) return;
    const moved = transition(attemptStates, this.#attempt, to, this.#now, null);
    if (moved === null) return;
    this.#attempt = { ...moved.entity, nativeState: nativeState ?? moved.entity.nativeState };
    if (outcome !== null) this.#attempt = { ...this.#attempt, outcome };
    this.#attemptChanged(this.#attempt);
  }

  /** A new dispatch. The record must not have unsaved changes of an earlier attempt. */
  begin(attempt: Attempt): void {
    this.#attempt = attempt;
    this.#attemptChanged(attempt);
  }

  patch(change: Partial<TrainingRun>): void {
    this.#run = { ...this.#run, ...change };
  }

  patchAttempt(change: Partial<Attempt>): void {
    if (this.#attempt !== null) this.#attempt = { ...this.#attempt, ...change };
  }

  /** Sets or clears the reason for waiting; an unchanged reason changes nothing, and the same code keeps its `since`. */
  wait(waiting: Omit<Waiting, 'since'> | null): void {
    const old = this.#run.waiting;
    if (waiting === null) {
      if (old === null) return;
      this.#run = { ...this.#run, waiting: null };
      this.#events.push({ type: 'trainingRun.waitingChanged', waiting: null });
      return;
    }
    const same =
      old?.code === waiting.code &&
      old.message === waiting.message &&
      old.raw === waiting.raw &&
      old.nextAttemptAt === waiting.nextAttemptAt;
    if (same) return;
    const since = old?.code === waiting.code ? old.since : this.#now;
    const next: Waiting = { ...waiting, since };
    this.#run = { ...this.#run, waiting: next };
    this.#events.push({ type: 'trainingRun.waitingChanged', waiting: next });
  }

  tell(event: TrainingRunEvent): void {
    this.#events.push(event);
  }

  /** Notes that the backend spoke of it. Where that is all, nothing else of the run is new. */
  saw(): void {
    this.#sawAt = this.#now;
  }

  save(tx: Transaction): Promise<void> {
    return saveRecords(tx, [this]);
  }

  /** What is to be written. */
  get writes(): Writes {
    const [run, attempt] = [this.#run, this.#attempt];
    return {
      run:
        run === this.#storedRun && this.#sawAt === null
          ? null
          : {
              before: this.#storedRun,
              entity: {
                ...run,
                observedAt: this.#sawAt ?? run.observedAt,
                version: run.version + 1,
                updatedAt: run === this.#storedRun ? run.updatedAt : this.#now,
              },
            },
      attempt: attempt === this.#storedAttempt ? null : attempt && this.#attemptWrite(attempt),
      events: { aggregateId: run.id, events: this.#events satisfies DomainEvent[] },
      endedIn: this.#hasEnded && run.sweepId !== undefined ? run.sweepId : null,
      now: this.#now,
    };
  }

  get changed(): boolean {
    return (
      this.#run !== this.#storedRun ||
      this.#attempt !== this.#storedAttempt ||
      this.#events.length > 0
    );
  }

  get #hasEnded(): boolean {
    const { state } = this.#run;
    return state !== this.#storedRun.state && isTerminal(trainingRunStates, state);
  }

  #attemptWrite(attempt: Attempt): NonNullable<Writes['attempt']> {
    const before = this.#storedAttempt;
    if (attempt.id !== before?.id) return { before: null, entity: attempt };
    const entity = { ...attempt, version: attempt.version + 1, updatedAt: this.#now };
    return { before, entity };
  }

  #attemptChanged(attempt: Attempt): void {
    this.#events.push({
      type: 'trainingRun.attemptChanged',
      attemptId: attempt.id,
      number: attempt.number,
      backend: attempt.backend,
      state: attempt.state,
      nativeState: attempt.nativeState,
    });
  }
}
