import type { Handle } from '../../backends/contract/workload.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Look } from '../reconciler/look.ts';
import type { Surroundings } from '../surroundings.ts';
import { releaseWork } from './work-kinds.ts';

/** Removes the native job and the work folder of an attempt that ended and was taken in whole. */
export class ReleaseLook implements Look {
  readonly kind = releaseWork;
  readonly #at: Surroundings;

  constructor(at: Surroundings) {
    this.#at = at;
  }

  async look(key: string, _lease: Lease): Promise<null> {
    const attempt = await this.#at.store.attempts.get(key);
    if (attempt === null || attempt.handle === null) return null;
    await this.#at.backends.get(attempt.backend)?.release(attempt.handle as unknown as Handle);
    return null;
  }
}
