import type { Prediction } from '../../domain/deployment.ts';
import type { Surroundings } from '../surroundings.ts';

const flushAfterMs = 200;
const atOnce = 500;
const kept = 10_000;

/**
 * Writes down that calls were made, some of them together and off the path of the calls. What may be lost: the records of
 * the last fifth of a second when the process is killed, and the oldest ones when the store refuses writes for so long
 * that 10,000 wait. An answer that was given is never taken back for it.
 */
export class PredictionLog {
  readonly #at: Surroundings;
  readonly #waiting: Prediction[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;
  #lost = 0;

  constructor(at: Surroundings) {
    this.#at = at;
  }

  add(prediction: Prediction): void {
    this.#waiting.push(prediction);
    if (this.#waiting.length > kept) {
      this.#waiting.shift();
      this.#lost += 1;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, flushAfterMs);
  }

  /** Resolves when all that was added before is written, or could not be; never rejects. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#writing !== null) {
      this.#writing ??= this.#write();
      if (
        await this.#writing.then(
          () => false,
          () => true,
        )
      )
        return;
    }
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.flush();
  }

  async #write(): Promise<void> {
    const batch = this.#waiting.splice(0, atOnce);
    try {
      await this.#at.store.transaction(async (tx) => {
        for (const prediction of batch) await tx.predictions.insert(prediction);
      });
    } catch (error) {
      this.#waiting.unshift(...batch);
      const details = { error: String(error), waiting: this.#waiting.length, lost: this.#lost };
      this.#at.log('warn', 'Records of predictions could not be written yet.', details);
      throw error;
    } finally {
      this.#writing = null;
    }
  }
}
