import type { Surroundings } from '../surroundings.ts';

export class TrainingRuns {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }
}
