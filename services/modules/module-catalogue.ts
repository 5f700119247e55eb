import type { Surroundings } from '../surroundings.ts';

export class ModuleCatalogue {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }
}
