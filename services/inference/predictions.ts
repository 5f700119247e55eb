import type { Surroundings } from '../surroundings.ts';

export class Predictions {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }
}
