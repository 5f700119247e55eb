import type { Backend } from '../../backends/contract/backend.ts';
import { BackendError } from '../../backends/contract/error.ts';
import type { Handle } from '../../backends/contract/workload.ts';
import type { Attempt } from '../../domain/training-run.ts';
import type { Lease } from '../../store/contract/work.ts';
import type { Look } from '../reconciler/look.ts';
import { Circuits } from '../sites/circuits.ts';
import type { Surroundings } from '../surroundings.ts';
import { releaseWork } from './work-kinds.ts';

const tryAgainMs = 5_000;
/** Refused for good, as far as the backend says; an operator may mend that. */
const tryMuchLaterMs = 3_600_000;

type ReleaseSurroundings = Pick<Surroundings, 'store' | 'backends' | 'ambient' | 'log' | 'traces'>;

/** Removes the native job and the work folder of an attempt that ended and was taken in whole. */
export class ReleaseLook implements Look {
  readonly kind = releaseWork;
  readonly #at: ReleaseSurroundings;
  readonly #circuits: Circuits;

  constructor(at: ReleaseSurroundings) {
    this.#at = at;
    this.#circuits = new Circuits(at.ambient);
  }

  async look(key: string, _lease: Lease): Promise<number | null> {
    const attempt = await this.#at.store.attempts.get(key);
    if (attempt === null || attempt.handle === null) return null;
    const backend = this.#at.backends.get(attempt.backend);
    if (backend === null) return null;
    const shut = this.#circuits.enter(backend.name);
    if (shut !== null) return shut.until;
    try {
      await this.#release(backend, attempt.handle as unknown as Handle, attempt);
    } catch (error) {
      if (!(error instanceof BackendError)) throw error;
      return this.#refused(backend.name, key, error);
    }
    this.#circuits.succeeded(backend.name);
    return null;
  }

  async #release(backend: Backend, handle: Handle, { runId, traceparent }: Attempt): Promise<void> {
    const span = { name: `look ${this.kind}`, attributes: { 'fathom.run.id': runId } };
    await this.#at.traces.goOn(traceparent ?? null, span, () => backend.release(handle));
  }

  /** Nobody waits for it: what cannot be removed now is removed later. */
  #refused(backend: string, key: string, error: BackendError): number | null {
    const shut = this.#circuits.failed(backend, error);
    if (error.kind === 'NotFound') return null;
    const isForNow = error.temporary || error.kind === 'Unauthorized';
    if (!isForNow) {
      this.#at.log('warn', `${backend} did not remove what ${key} left: ${error.message}`);
    }
    const { ambient } = this.#at;
    const delay = isForNow ? tryAgainMs : tryMuchLaterMs;
    const next = ambient.now() + Math.max(error.retryAfterMs ?? 0, delay);
    return Math.max(next, shut?.until ?? 0) + Math.round(ambient.random() * 1_000);
  }
}
