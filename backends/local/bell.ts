import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';

/**
 * Supervisors touch a file of their job's or service's name in one folder; we watch the folder. A
 * ring only says "look": where watching does not work, or a ring is lost, everybody looks once a
 * second anyway.
 */
export class Bell {
  readonly #watcher: FSWatcher | null;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(folder: string, onRing: (name: string) => void) {
    this.#watcher = openWatcher(folder, (name) => {
      onRing(name);
      this.ring(name);
    });
  }

  /** Wakes those who wait for `name` in this process. */
  ring(name: string): void {
    for (const wake of this.#listeners.get(name) ?? []) wake();
  }

  /**
   * Counts rings from now on: `next` resolves at the first ring since it was last called, or after
   * `maximumMs`, or when `signal` aborts. So a ring between a look and the wait is not missed.
   */
  listen(
    name: string,
    signal: AbortSignal,
  ): { next(maximumMs: number): Promise<void>; stop(): void } {
    let rung = false;
    let wake: (() => void) | null = null;
    const listener = (): void => {
      rung = true;
      wake?.();
    };
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners.add(listener));
    return {
      next: async (maximumMs) => {
        await new Promise<void>((resolve) => {
          if (rung || signal.aborted) return resolve();
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', done);
            wake = null;
            resolve();
          };
          const timer = setTimeout(done, maximumMs);
          signal.addEventListener('abort', done, { once: true });
          wake = done;
        });
        rung = false;
      },
      stop: () => {
        listeners.delete(listener);
        if (listeners.size === 0) this.#listeners.delete(name);
      },
    };
  }

  close(): void {
    this.#watcher?.close();
    for (const listeners of this.#listeners.values()) for (const wake of listeners) wake();
  }
}

function openWatcher(folder: string, onRing: (name: string) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (typeof name === 'string') onRing(name);
    });
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
