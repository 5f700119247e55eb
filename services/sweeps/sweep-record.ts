import type { SweepEvent } from '../../domain/event.ts';
import { transition } from '../../domain/state.ts';
import { type Sweep, sweepStates, type SweepState } from '../../domain/sweep.ts';
import type { Transaction } from '../../store/contract/store.ts';

/** A sweep while it is being changed: collects the change and its events, and writes both at once. */
export class SweepRecord {
  #sweep: Sweep;
  readonly #now: number;
  readonly #events: SweepEvent[] = [];

  constructor(sweep: Sweep, now: number) {
    this.#sweep = sweep;
    this.#now = now;
  }

  get sweep(): Sweep {
    return this.#sweep;
  }

  move(to: SweepState, reason: string | null): void {
    const moved = transition(sweepStates, this.#sweep, to, this.#now, reason);
    if (moved === null) return;
    this.#sweep = moved.entity;
    for (const change of moved.changes) {
      const { from, to: into, reason: why } = change;
      this.#events.push({ type: 'sweep.stateChanged', from, to: into, reason: why });
    }
  }

  patch(change: Partial<Sweep>): void {
    this.#sweep = { ...this.#sweep, ...change };
  }

  tell(event: SweepEvent): void {
    this.#events.push(event);
  }

  /** In the transaction that read the sweep. */
  async save(tx: Transaction): Promise<void> {
    const sweep = this.#sweep;
    await tx.sweeps.update({ ...sweep, version: sweep.version + 1, updatedAt: this.#now });
    await tx.events.append(sweep.id, this.#now, this.#events);
  }
}
