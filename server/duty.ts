import { FileLock } from '../store/embedded/file-lock.ts';
import type { Surroundings } from '../services/surroundings.ts';
import type { Reconciler } from '../services/reconciler/reconciler.ts';

/** How often a process that is not on duty asks whether it may take over. */
const askAgainMs = 1_000;

export interface DutyParts {
  /** Of the lock; a file of its own in the state folder. */
  readonly path: string;
  readonly at: Pick<Surroundings, 'store' | 'log'>;
  /** Made anew is not needed: who is on duty stays it until it ends. */
  readonly reconciler: Reconciler;
}

/**
 * Of all processes on one state folder exactly one looks after its work and hands it to backends: the one that holds a
 * lock of the system. The others ask again every second, so when it ends, however it ends, another one takes over.
 */
export class Duty {
  readonly #parts: DutyParts;
  readonly #lock: FileLock;
  #timer: NodeJS.Timeout | null = null;
  #asking: Promise<void> | null = null;
  #isOn = false;
  #stopped = false;

  constructor(parts: DutyParts) {
    this.#parts = parts;
    this.#lock = new FileLock(parts.path);
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Resolves when it is known whether we are the one; asks on, when not. */
  start(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#asking;
    await this.#parts.reconciler.stop();
    this.#isOn = false;
    this.#lock.close();
  }

  async #ask(): Promise<void> {
    if (this.#stopped || this.#isOn) return;
    const { at, reconciler } = this.#parts;
    try {
      if (this.#lock.try('exclusive')) {
        // Nobody else can be at work: leases of one that was killed need not run out first.
        await at.store.work.recall();
        if (this.#stopped) return;
        this.#isOn = true;
        reconciler.start();
        at.log('info', 'This process looks after the work of the state folder.');
        return;
      }
    } catch (error) {
      this.#lock.unlock();
      at.log('error', 'The work of the state folder could not be taken over.', {
        error: String(error),
      });
    }
    this.#timer = setTimeout(() => void this.start(), askAgainMs);
  }
}
