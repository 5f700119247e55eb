import type { Surroundings } from '../services/surroundings.ts';
import { FileLock } from '../store/embedded/file-lock.ts';

/** How often a process that is not on duty asks whether it may take over. */
const askAgainMs = 1_000;

export interface Work {
  /** May reject; then it is tried again. */
  begin(): Promise<void>;
  end(): Promise<void>;
}

/**
 * Of all processes on one state folder exactly one looks after its work and hands it to backends: the one that holds a
 * lock of the system. The others ask again every second, so when it ends, however it ends, another one takes over.
 */
export class Duty {
  readonly #lock: FileLock;
  readonly #log: Surroundings['log'];
  #work: Work | null = null;
  #timer: NodeJS.Timeout | null = null;
  #asking: Promise<void> = Promise.resolve();
  #isOn = false;
  #stopped = false;

  /** `path` is the file of the lock, in the state folder. */
  constructor(path: string, log: Surroundings['log']) {
    this.#lock = new FileLock(path);
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Resolves when it is known whether we are the one; asks on, when not. */
  start(work: Work): Promise<void> {
    this.#work ??= work;
    this.#asking = this.#ask(this.#work);
    return this.#asking;
  }

  /** The next one takes over when our work has ended in good order. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#asking;
    if (this.#isOn) await this.#work?.end();
    this.#isOn = false;
    this.#lock.close();
  }

  async #ask(work: Work): Promise<void> {
    if (this.#stopped || this.#isOn) return;
    try {
      if (this.#lock.try('exclusive')) {
        // Before it begins: the first thing it does may need the right.
        this.#isOn = true;
        await work.begin();
        this.#log('info', 'This process looks after the work of the state folder.');
        return;
      }
    } catch (error) {
      this.#isOn = false;
      this.#lock.unlock();
      this.#log('error', 'The work could not be taken over yet.', { error: String(error) });
    }
    this.#timer = setTimeout(() => void this.start(work), askAgainMs);
  }
}
