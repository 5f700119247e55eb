import type { Surroundings } from '../surroundings.ts';

export class Datasets {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }
}
