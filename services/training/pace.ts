import type { Surroundings } from '../surroundings.ts';
import { trainingRunWork } from './work-kinds.ts';

const shortestMs = 250;
/** Of runs where something happened: somebody may be watching. */
const longestWhenBusyMs = 1_000;
/** What all runs together may cost: each adds this much to the time between two looks at any of them. */
const eachMs = 0.4;
const countEveryMs = 2_000;
/** That nothing has changed is written so often at most, over all runs. */
const notesInSecond = 100;

/**
 * How often runs are looked at: the more there are, the more seldom, so that what it costs to look after them has a bound
 * and the rest of the process its turn. Up to 625 of them every 250 ms, 50,000 every 20 s.
 */
export class Pace {
  readonly #at: Pick<Surroundings, 'store' | 'ambient'>;
  #countedAt = -Infinity;
  #runs = 0;
  #notes = notesInSecond;
  #notedAt = 0;

  constructor(at: Pick<Surroundings, 'store' | 'ambient'>) {
    this.#at = at;
  }

  /** Between looks at a run where nothing happens. */
  get quietMs(): number {
    return Math.max(shortestMs, Math.round(this.#runs * eachMs));
  }

  /** Between looks at a run where something happened. */
  get busyMs(): number {
    return Math.min(this.quietMs, longestWhenBusyMs);
  }

  /** Counts the runs anew, from time to time. */
  async measure(): Promise<void> {
    const now = this.#at.ambient.now();
    if (now - this.#countedAt < countEveryMs) return;
    this.#countedAt = now;
    this.#runs = await this.#at.store.work.size(trainingRunWork);
  }

  /** Whether it may be written now that a run was seen, and nothing else. */
  mayNote(): boolean {
    const now = this.#at.ambient.now();
    const earned = (Math.max(0, now - this.#notedAt) * notesInSecond) / 1_000;
    this.#notes = Math.min(notesInSecond, this.#notes + earned);
    this.#notedAt = now;
    if (this.#notes < 1) return false;
    this.#notes -= 1;
    return true;
  }
}
