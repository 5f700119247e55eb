import type { Surroundings } from '../surroundings.ts';

export class Deployments {
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }
}
