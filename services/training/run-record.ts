import type { DomainEvent, TrainingRunEvent } from '../../domain/event.ts';
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
import type { Transaction } from '../../store/contract/store.ts';
import { memberEnded } from '../sweeps/member-ended.ts';

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

  async save(tx: Transaction): Promise<void> {
    if (this.#attempt !== null && this.#attempt !== this.#storedAttempt) {
      if (this.#attempt.id === this.#storedAttempt?.id) {
        await tx.attempts.update({
          ...this.#attempt,
          version: this.#attempt.version + 1,
          updatedAt: this.#now,
        });
      } else {
        await tx.attempts.insert(this.#attempt);
      }
    }
    if (this.#run !== this.#storedRun) {
      await tx.trainingRuns.update({
        ...this.#run,
        version: this.#run.version + 1,
        updatedAt: this.#now,
      });
    }
    if (this.#events.length > 0) {
      await tx.events.append(this.#run.id, this.#now, this.#events satisfies DomainEvent[]);
    }
    const { sweepId } = this.#run;
    if (sweepId !== undefined && this.#hasEnded) {
      await memberEnded(tx, sweepId, this.#run, this.#now);
    }
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
